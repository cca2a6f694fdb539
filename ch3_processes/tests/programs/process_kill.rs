use crate::{has_lanes, numbers_after};
use course::testing::contract::Program;

pub const PROCESS_KILL: Program = Program {
    path: env!("CARGO_BIN_EXE_process_kill"),
    source: "src/bin/process_kill.rs",
    bad: &[&["--items", "x"], &["--items", "-1"], &["--items", "1000001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    PROCESS_KILL.keeps_its_promises();
}

#[test]
fn each_state_is_printed_as_it_is() {
    for items in [0, 1, 3, 1000] {
        for _ in 0..10 {
            let output = PROCESS_KILL.succeeds(&["--items", &items.to_string(), "--pace", "0"]);
            assert!(numbers_after(&output, "--> ").into_iter().eq(0..items), "{output}");
            let states: Vec<_> = output.lines().filter(|line| !line.starts_with("-->")).collect();
            // Right after `terminate`, both states are possible.
            let alive = if states[2].contains("true") { "true" } else { "false" };
            let terminated = format!("terminated:       alive: {alive} (not certain yet)");
            let wanted = [
                "before the start: there is no process yet",
                "running:          alive: true, exit status: None",
                &terminated,
                "waited for:       alive: false, exit status: signal: 15 (SIGTERM)",
                "joined:           count: it ended before its work was done: signal: 15 (SIGTERM)",
            ];
            assert_eq!(states, wanted);
        }
    }
}

#[test]
fn the_chart_shows_which_process_was_killed() {
    has_lanes(&PROCESS_KILL, &[], &["process_kill", "count"]);
    let output = PROCESS_KILL.succeeds(&["--timeline"]);
    assert!(output.lines().any(|line| line.starts_with("count ") && line.ends_with("killed")), "{output}");
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_KILL.ends_every_time(&["--pace", "0"]);
}

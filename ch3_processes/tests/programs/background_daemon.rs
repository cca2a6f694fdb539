use crate::{has_lanes, items, numbers_after};
use course::testing::contract::Program;
use course::testing::traces::{of, slept, stretches, were_alive_together};

pub const BACKGROUND_DAEMON: Program = Program {
    path: env!("CARGO_BIN_EXE_background_daemon"),
    source: "src/bin/background_daemon.rs",
    bad: &[&["--items", "0"], &["--items", "x"], &["--items", "-1"], &["--items", "1000001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    BACKGROUND_DAEMON.keeps_its_promises();
}

#[test]
fn the_daemon_is_killed_and_the_other_process_finishes() {
    for items in [1, 5, 1000] {
        for pace in ["0", "0.001"] {
            let output = BACKGROUND_DAEMON.succeeds(&["--items", &items.to_string(), "--pace", pace]);
            // It may be killed before it has printed anything.
            let said = numbers_after(&output, "background ---> ");
            assert!(said.len() <= items as usize && said.iter().copied().eq(0..said.len() as u32), "{output}");
            assert!(numbers_after(&output, "foreground ---> ").into_iter().eq(items..2 * items), "{output}");
            assert!(
                output.contains("foreground is exiting\n") && !output.contains("background is exiting"),
                "{output}"
            );
            assert_eq!(output.lines().last(), Some("the daemon has been killed"), "{output}");
        }
    }
}

#[test]
fn the_parent_waits_for_the_foreground_only() {
    let stretches = stretches(&BACKGROUND_DAEMON, &["--items", "4"]);
    slept(&stretches, &["foreground"], 4, 100_000.0);
    were_alive_together(&stretches, &["background", "foreground"]);
    let waits = of(&stretches, "background_daemon", "wait");
    assert_eq!(waits.iter().map(|wait| wait.label.as_str()).collect::<Vec<_>>(), ["foreground"]);
}

#[test]
fn the_chart_has_all_three_and_says_that_the_daemon_was_killed() {
    has_lanes(&BACKGROUND_DAEMON, &[], &["background_daemon", "background", "foreground"]);
    let output = BACKGROUND_DAEMON.succeeds(&["--timeline"]);
    let killed = items(&output, |line| line.strip_suffix("killed")?.split_once("  ").map(|(name, _)| name));
    assert_eq!(killed, ["background"], "{output}");
}

#[test]
fn no_run_of_many_hangs() {
    BACKGROUND_DAEMON.ends_every_time(&["--pace", "0"]);
}

//! `event_loop` as a program.

use course::testing::contract::Program;

const EVENT_LOOP: Program = Program {
    path: env!("CARGO_BIN_EXE_event_loop"),
    source: "src/bin/event_loop.rs",
    bad: &[&["--seconds", "long"], &["--seconds", "-1"], &["--seconds", "3601"], &["--seconds", "1.5"]],
    long: &["--pace", "100"],
};

fn calls(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.starts_with("task_")).collect()
}

#[test]
fn keeps_its_promises() {
    EVENT_LOOP.keeps_its_promises();
}

#[test]
fn tasks_call_each_other_in_turn() {
    let output = EVENT_LOOP.succeeds(&["--pace", "0.01", "--seconds", "120"]);
    let calls = calls(&output);
    assert!(calls.len() > 3, "{output}");
    assert!(calls.iter().zip(["task_A", "task_B", "task_C"].iter().cycle()).all(|(call, task)| call.starts_with(task)));
    assert!(output.ends_with(&format!("{} calls\n", calls.len())), "{output}");
}

#[test]
fn at_least_one_call_whatever_the_time() {
    for flags in [["--seconds", "0"], ["--pace", "0"]] {
        let output = EVENT_LOOP.succeeds(&flags);
        assert_eq!(calls(&output).len(), 1, "{output}");
    }
}

#[test]
fn the_seed_decides_the_pauses() {
    // How many calls fit into the time depends on the machine; what the first of them do does not.
    let first = |seed| {
        let output = EVENT_LOOP.succeeds(&["--seed", seed, "--pace", "0.01", "--seconds", "120"]);
        calls(&output)[..5].join("\n")
    };
    assert_eq!(first("5"), first("5"));
    assert_ne!(first("5"), first("6"));
}

#[test]
fn every_task_is_a_lane() {
    let output = EVENT_LOOP.succeeds(&["--timeline"]);
    for name in ["main", "clock", "task_A", "task_B", "task_C"] {
        assert!(output.lines().any(|line| line.starts_with(name) && line.contains("runs ")), "{name}: {output}");
    }
}

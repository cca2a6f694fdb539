//! `event_loop` as a program.

#[path = "../../ch1_parallel/tests/contract/mod.rs"]
mod contract;

use contract::Program;

const EVENT_LOOP: Program = Program {
    path: env!("CARGO_BIN_EXE_event_loop"),
    source: "src/bin/event_loop.rs",
    bad: &[&["--seconds", "long"], &["--seconds", "-1"], &["--seconds", "inf"], &["--seconds", "NaN"]],
    long: &["--pace", "100"],
    remarks: false,
};

fn calls(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.starts_with("task_")).map(|line| &line[..6]).collect()
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
    assert!(calls.iter().zip(["task_A", "task_B", "task_C"].iter().cycle()).all(|(call, task)| call == task));
}

#[test]
fn at_least_one_call_whatever_the_time() {
    assert_eq!(calls(&EVENT_LOOP.succeeds(&["--seconds", "0"])), ["task_A"]);
    assert_eq!(calls(&EVENT_LOOP.succeeds(&["--pace", "0"])), ["task_A"]);
}

#[test]
fn the_seed_decides_the_pauses() {
    let pauses = |seed| {
        let output = EVENT_LOOP.succeeds(&["--seed", seed, "--pace", "0.01"]);
        // How many calls fit into the time depends on the machine; which come first does not.
        output.lines().filter(|line| line.starts_with("task_")).take(3).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(pauses("5"), pauses("5"));
}

#[test]
fn every_task_is_a_lane() {
    let output = EVENT_LOOP.succeeds(&["--timeline"]);
    for name in ["main", "clock", "task_A", "task_B", "task_C"] {
        assert!(output.lines().any(|line| line.starts_with(name) && line.contains("runs ")), "{name}: {output}");
    }
}

use std::process::Command;

use course::testing::contract::Program;
use course::testing::group::{Group, assert_only_reports};
use course::testing::traces::{Stretch, lives, most_at_once, of, slept, stretches};

use rustix::process::Signal;

const EXECUTOR: Program = Program {
    path: env!("CARGO_BIN_EXE_executor"),
    source: "src/bin/executor.rs",
    bad: &[&["--tasks", "0"], &["--tasks", "10001"], &["--tasks", "-1"], &["--tasks", "x"], &["--tasks", "1.5"]],
    long: &["--pace", "100"],
};

/// The list, the polls of the executor, and the list of tokio.
fn results(output: &str) -> (Vec<u64>, u64, Vec<u64>) {
    let list = |start| {
        let line = output.lines().find_map(|line| line.strip_prefix(start)).expect("a list");
        let (list, rest) = line.split_once(']').expect("the end of the list");
        (list.split(", ").map(|number| number.parse().expect("a number")).collect(), rest)
    };
    let ((by_executor, rest), (by_tokio, _)) = (list("executor: list ["), list("tokio:    list ["));
    let polls = rest.strip_prefix(", ").and_then(|rest| rest.split_once(" polls, ")).expect("the polls").0;
    (by_executor, polls.parse().expect("a number"), by_tokio)
}

#[test]
fn keeps_its_promises() {
    EXECUTOR.keeps_its_promises();
}

#[test]
fn gives_the_results_of_tokio_with_no_poll_too_many() {
    for tasks in [1, 2, 5, 1000] {
        for pace in ["0", "0.001"] {
            let output = EXECUTOR.succeeds(&["--tasks", &tasks.to_string(), "--pace", pace]);
            let (by_executor, polls, by_tokio) = results(&output);
            assert!(by_executor.iter().copied().eq((0..tasks).rev()), "{output}");
            assert_eq!(by_executor, by_tokio);
            // One poll to begin, one after the sleep, and one after the list for all tasks but the last.
            assert_eq!(polls, 3 * tasks - 1, "{output}");
        }
    }
}

#[test]
fn the_tasks_sleep_at_the_same_time_under_both() {
    let stretches = stretches(&EXECUTOR, &[]);
    for prefix in ["task ", "tokio task "] {
        let lives = lives(&stretches, prefix);
        let tasks: Vec<_> = lives.iter().map(|life| life.lane.as_str()).collect();
        assert_eq!(tasks.len(), 5, "{stretches:?}");
        // The shortest pause is a second of ten.
        slept(&stretches, &tasks, 1, 100_000.0);
        let sleeps: Vec<Stretch> = tasks.iter().flat_map(|task| of(&stretches, task, "sleep")).cloned().collect();
        assert!(most_at_once(&sleeps) > 1, "{prefix}: no two tasks sleep at the same time: {sleeps:?}");
    }
}

#[test]
fn all_tasks_share_one_thread() {
    let stretches = stretches(&EXECUTOR, &["--tasks", "50", "--pace", "0"]);
    for prefix in ["task ", "tokio task "] {
        let tasks = lives(&stretches, prefix);
        let runs: Vec<Stretch> = tasks.iter().flat_map(|task| of(&stretches, &task.lane, "run")).cloned().collect();
        assert_eq!(most_at_once(&runs), 1, "{prefix}: two tasks run at the same time: {runs:?}");
    }
}

#[test]
fn the_seed_decides_the_pauses() {
    let pauses = |seed| {
        let output = EXECUTOR.succeeds(&["--seed", seed]);
        let line = output.lines().next().and_then(|line| line.strip_prefix("5 tasks pass on a list and then sleep "));
        line.expect("the pauses").to_string()
    };
    assert_eq!(pauses("42"), pauses("42"));
    assert_ne!(pauses("42"), pauses("43"));
}

/// The signal comes when the program has done its work: it is about to draw, draws, or has drawn.
#[test]
fn ctrl_c_at_the_end_does_not_lose_the_chart() {
    for _ in 0..10 {
        let mut command = Command::new(EXECUTOR.path);
        let mut group = Group::start(command.args(["--tasks", "1000", "--pace", "0.01", "--timeline"]));
        while !group.line().starts_with("tokio:") {}
        let rest = group.read_output();
        group.signal_all(Signal::INT);
        let (status, stderr) = group.end();
        let output = rest.join().expect("a reader");
        assert!(matches!(status.code(), Some(0 | 130)), "{status}: {stderr}");
        assert_only_reports(&stderr);
        assert!(output.contains("a column is"), "{status}: no chart: {output}\n{stderr}");
    }
}

use std::process::Command;

use rustix::process::Signal;

use crate::has_lanes;
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::{children_of, signal, wait_for};
use course::testing::traces::{of, slept, stretches};

pub const PROCESS_BARRIER: Program = Program {
    path: env!("CARGO_BIN_EXE_process_barrier"),
    source: "src/bin/process_barrier.rs",
    bad: &[&["--workers", "0"], &["--workers", "two"], &["--workers", "-1"], &["--workers", "201"]],
    long: &["--pace", "100"],
};

/// When each of these processes came and left.
fn times(output: &str, kind: &str) -> Vec<(f64, f64)> {
    let time = |line: &str| {
        let (came, left) = line.strip_prefix(kind)?.split_once(": came at ")?.1.split_once(" s, left at ")?;
        Some((came.parse().ok()?, left.strip_suffix(" s")?.parse().ok()?))
    };
    output.lines().filter_map(time).collect()
}

#[test]
fn keeps_its_promises() {
    PROCESS_BARRIER.keeps_its_promises();
}

#[test]
fn no_process_leaves_before_the_last_has_come() {
    for workers in [1, 2, 5, 64] {
        for pace in ["0", "0.05"] {
            let output = PROCESS_BARRIER.succeeds(&["--workers", &workers.to_string(), "--pace", pace]);
            let (with, without) = (times(&output, "with "), times(&output, "without "));
            assert_eq!((with.len(), without.len()), (workers, workers), "{output}");
            let last_came = with.iter().map(|times| times.0).fold(0.0, f64::max);
            // The printed times are rounded.
            assert!(with.iter().all(|(_, left)| *left >= last_came - 0.0001), "{output}");
            assert!(without.iter().all(|(came, left)| came <= left), "{output}");
        }
    }
}

#[test]
fn a_process_that_never_comes_is_an_error_and_no_hang() {
    let mut group = Group::start(Command::new(PROCESS_BARRIER.path).args(["--pace", "100"]));
    let reader = group.read_output();
    let child = wait_for("with 2", LIMIT, || children_of(group.id()).into_iter().find(|child| child.name == "with 2"));
    signal(child.id, Signal::KILL);
    let (status, errors) = group.end();
    assert_eq!(status.code(), Some(1));
    assert!(errors.starts_with("error: with 2: ") && errors.contains("SIGKILL"), "{errors}");
    reader.join().unwrap();
}

#[test]
fn only_the_processes_with_the_barrier_wait() {
    let stretches = stretches(&PROCESS_BARRIER, &[]);
    for (process, waits) in [("with 1", 1), ("with 2", 1), ("without 1", 0), ("without 2", 0)] {
        slept(&stretches, &[process], 1, 100_000.0);
        assert_eq!(of(&stretches, process, "wait").len(), waits, "{process}: {stretches:?}");
    }
}

#[test]
fn the_chart_has_all_processes() {
    has_lanes(&PROCESS_BARRIER, &[], &["process_barrier", "with 1", "with 2", "without 1", "without 2"]);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_BARRIER.ends_every_time(&["--workers", "4", "--pace", "0"]);
}

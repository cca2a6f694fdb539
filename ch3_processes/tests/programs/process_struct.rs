use std::collections::BTreeSet;

use crate::{has_lanes, items};
use course::testing::contract::Program;
use course::testing::traces::{slept, stretches, were_alive_together};

pub const PROCESS_STRUCT: Program = Program {
    path: env!("CARGO_BIN_EXE_process_struct"),
    source: "src/bin/process_struct.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "401"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    PROCESS_STRUCT.keeps_its_promises();
}

#[test]
fn every_worker_runs_in_a_process_and_is_over() {
    for workers in [1, 10, 64] {
        let output = PROCESS_STRUCT.succeeds(&["--workers", &workers.to_string(), "--pace", "0.02"]);
        let processes: BTreeSet<_> =
            items(&output, |line| line.split_once(" runs in process ").map(|(_, id)| id)).into_iter().collect();
        let parent = items(&output, |line| line.strip_prefix("process ")?.strip_suffix(" starts the workers"));
        assert_eq!((processes.len(), parent.len()), (workers, 1), "{output}");
        assert!(!processes.contains(parent[0]), "{output}");
        for number in 1..=workers {
            assert!(output.contains(&format!("worker {number} is over after")), "{output}");
        }
    }
}

#[test]
fn the_seed_decides_the_durations() {
    let durations = |seed| {
        let output = PROCESS_STRUCT.succeeds(&["--seed", seed, "--pace", "0.05"]);
        let mut lines: Vec<_> = items(&output, |line| line.starts_with("worker").then_some(line))
            .into_iter()
            .filter(|line| line.contains("is over"))
            .map(String::from)
            .collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(durations("5"), durations("5"));
    assert_ne!(durations("5"), durations("6"));
}

#[test]
fn all_work_at_the_same_time() {
    // No duration is shorter than 0.2 s.
    let stretches = stretches(&PROCESS_STRUCT, &["--workers", "4", "--pace", "0.2"]);
    let workers = ["worker 1", "worker 2", "worker 3", "worker 4"];
    slept(&stretches, &workers, 1, 200_000.0);
    were_alive_together(&stretches, &workers);
}

#[test]
fn the_chart_has_a_lane_for_each_worker() {
    has_lanes(&PROCESS_STRUCT, &["--workers", "3"], &["process_struct", "worker 1", "worker 2", "worker 3"]);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_STRUCT.ends_every_time(&["--workers", "8", "--pace", "0"]);
}

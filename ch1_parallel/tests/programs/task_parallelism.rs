use course::testing::contract::Program;

use course::testing::traces::{run_together, shows};

const TASK_PARALLELISM: Program = Program {
    path: env!("CARGO_BIN_EXE_task_parallelism"),
    source: "src/bin/task_parallelism.rs",
    bad: &[
        &["--steps", "0"],
        &["--steps", "10000000001"],
        &["--steps", "x"],
        &["--workers", "0"],
        &["--workers", "1001"],
    ],
    long: &["--steps", "10000000000"],
};

#[test]
fn keeps_its_promises() {
    TASK_PARALLELISM.keeps_its_promises();
}

#[test]
fn each_size_is_a_tenth_of_the_next() {
    for workers in ["1", "2", "64"] {
        let output = TASK_PARALLELISM.succeeds(&["--steps", "123456", "--workers", workers]);
        let sizes: Vec<_> = output.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(sizes, ["1", "12", "123", "1234", "12345", "123456", "the"], "{output}");
    }
}

#[test]
fn the_results_of_both_tasks_are_printed() {
    // Three steps from 5: twice 5 plus 0, twice 10 plus 1, twice 21 plus 2. Three steps from 10 in the same way.
    let output = TASK_PARALLELISM.succeeds(&["--steps", "3"]);
    assert_eq!(output.lines().last(), Some("the results of the largest pair: add 44, subtract 76"), "{output}");
}

#[test]
fn both_tasks_run_at_the_same_time_by_join_and_by_scope() {
    for way in ["join", "scope"] {
        shows(&TASK_PARALLELISM, &[], |trace| run_together(trace, "add", "subtract", Some(way)));
    }
}

#[test]
fn no_run_of_many_hangs() {
    TASK_PARALLELISM.ends_every_time(&["--steps", "1000", "--workers", "4"]);
}

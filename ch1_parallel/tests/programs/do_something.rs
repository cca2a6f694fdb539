use course::testing::contract::Program;

use crate::fails_under;
use course::testing::traces::{run_together, shows};

const DO_SOMETHING: Program = Program {
    path: env!("CARGO_BIN_EXE_do_something"),
    source: "src/bin/do_something.rs",
    bad: &[
        &["--numbers", "0"],
        &["--numbers", "100000001"],
        &["--numbers", "some"],
        &["--workers", "0"],
        &["--workers", "1001"],
        &["--workers", "-1"],
    ],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    DO_SOMETHING.keeps_its_promises();
}

#[test]
fn the_numbers_do_not_depend_on_the_workers() {
    // The first numbers, which come from the first block, and the mean of all.
    let made = |numbers: &str, workers: &str| {
        let output = DO_SOMETHING.succeeds(&["--numbers", numbers, "--workers", workers]);
        let (first, rest) = output.split_once('\n').expect("a line of numbers");
        let mean = rest.split_once("their mean is ").expect("their mean").1;
        (first.to_string(), mean.to_string())
    };
    for count in ["1", "4096", "4097", "100000"] {
        for workers in ["2", "3", "64"] {
            assert_eq!(made(count, "1"), made(count, workers), "{count} by {workers}");
        }
    }
}

#[test]
fn the_workers_run_at_the_same_time() {
    shows(&DO_SOMETHING, &[], |trace| run_together(trace, "worker 0", "worker 1", None));
}

#[test]
fn too_many_numbers_for_the_memory_are_one_error() {
    let error = fails_under("-v 500000", &DO_SOMETHING, &["--numbers", "100000000"]);
    assert!(error.starts_with("error: the numbers of a worker: out of memory: "), "{error}");
}

#[test]
fn no_run_of_many_hangs() {
    DO_SOMETHING.ends_every_time(&["--numbers", "20000", "--workers", "8"]);
}

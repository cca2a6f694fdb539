use course::testing::contract::Program;

use crate::fails_under;
use course::testing::traces::{run_together, shows};

const DATA_PARALLELISM: Program = Program {
    path: env!("CARGO_BIN_EXE_data_parallelism"),
    source: "src/bin/data_parallelism.rs",
    bad: &[
        &["--items", "0"],
        &["--items", "many"],
        &["--items", "-3"],
        &["--workers", "0"],
        &["--workers", "two"],
        &["--rounds", "0"],
    ],
    long: &["--rounds", "60000"],
};

#[test]
fn keeps_its_promises() {
    DATA_PARALLELISM.keeps_its_promises();
}

#[test]
fn the_sums_agree_at_any_size_and_number_of_workers() {
    for items in ["1", "2", "63", "1000"] {
        for workers in ["1", "3", "64"] {
            DATA_PARALLELISM.succeeds(&["--items", items, "--workers", workers]);
        }
    }
}

#[test]
fn the_parts_are_added_at_the_same_time() {
    shows(&DATA_PARALLELISM, &["--items", "4000000"], |trace| run_together(trace, "worker 0", "worker 1", Some("add")));
}

#[test]
fn too_many_numbers_for_the_memory_are_one_error() {
    let error = fails_under("-v 500000", &DATA_PARALLELISM, &["--items", "100000000"]);
    assert!(error.starts_with("error: array ") && error.contains(": out of memory: "), "{error}");
}

#[test]
fn no_run_of_many_hangs() {
    DATA_PARALLELISM.ends_every_time(&["--items", "1000", "--workers", "8"]);
}

#[test]
fn the_seed_decides_the_numbers() {
    let sums = |seed| {
        let output = DATA_PARALLELISM.succeeds(&["--items", "100", "--seed", seed]);
        output.lines().last().expect("a line of sums").to_string()
    };
    assert_eq!(sums("5"), sums("5"));
    assert_ne!(sums("5"), sums("6"));
}

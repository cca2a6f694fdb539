use course::testing::contract::Program;

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
fn sums_agree_at_any_size_and_number_of_workers() {
    for items in ["1", "2", "63", "1000"] {
        for workers in ["1", "3", "64"] {
            DATA_PARALLELISM.succeeds(&["--items", items, "--workers", workers]);
        }
    }
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

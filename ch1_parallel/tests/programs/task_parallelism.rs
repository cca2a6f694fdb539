use course::testing::contract::Program;

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
        assert_eq!(sizes, ["1", "12", "123", "1234", "12345", "123456"], "{output}");
    }
}

#[test]
fn no_run_of_many_hangs() {
    TASK_PARALLELISM.ends_every_time(&["--steps", "1000", "--workers", "4"]);
}

use course::testing::contract::Program;

use course::testing::traces::{run_together, shows};

const SERIAL_AND_PARALLEL: Program = Program {
    path: env!("CARGO_BIN_EXE_serial_and_parallel"),
    source: "src/bin/serial_and_parallel.rs",
    bad: &[
        &["--tasks", "0"],
        &["--tasks", "1001"],
        &["--tasks", "two"],
        &["--steps", "0"],
        &["--steps", "-1"],
        &["--steps", "10000000001"],
    ],
    long: &["--steps", "10000000000"],
};

#[test]
fn keeps_its_promises() {
    SERIAL_AND_PARALLEL.keeps_its_promises();
}

#[test]
fn each_task_runs_once_in_order_and_once_in_parallel() {
    for tasks in [1, 2, 64] {
        let output = SERIAL_AND_PARALLEL.succeeds(&["--tasks", &tasks.to_string(), "--steps", "1000"]);
        let lines: Vec<_> = output.lines().collect();
        let serial: Vec<_> = (0..tasks).flat_map(|n| [format!("task {n} begins"), format!("task {n} ends")]).collect();
        assert_eq!(lines[..2 * tasks], serial);
        let mut parallel = lines[2 * tasks + 1..4 * tasks + 1].to_vec();
        parallel.sort_unstable();
        let mut all: Vec<_> = serial.iter().map(String::as_str).collect();
        all.sort_unstable();
        assert_eq!(parallel, all);
    }
}

#[test]
fn the_parallel_tasks_run_at_the_same_time() {
    shows(&SERIAL_AND_PARALLEL, &[], |trace| run_together(trace, "task 0", "task 1", None));
}

#[test]
fn no_run_of_many_hangs() {
    SERIAL_AND_PARALLEL.ends_every_time(&["--tasks", "8", "--steps", "1000"]);
}

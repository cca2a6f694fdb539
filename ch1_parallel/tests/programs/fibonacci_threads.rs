use course::testing::contract::Program;

use course::testing::traces::{run_together, shows};

const FIBONACCI_THREADS: Program = Program {
    path: env!("CARGO_BIN_EXE_fibonacci_threads"),
    source: "src/bin/fibonacci_threads.rs",
    bad: &[&["--number", "46"], &["--number", "-1"], &["--number", "x"], &["--workers", "0"], &["--workers", "1001"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    FIBONACCI_THREADS.keeps_its_promises();
}

#[test]
fn the_numbers_are_right_for_any_number_of_workers() {
    for (number, value) in [("0", "0"), ("1", "1"), ("2", "1"), ("10", "55"), ("30", "832040")] {
        for workers in ["1", "4", "64"] {
            let output = FIBONACCI_THREADS.succeeds(&["--number", number, "--workers", workers]);
            assert!(output.starts_with(&format!("fibonacci({number}) = {value}, {workers} times\n")), "{output}");
        }
    }
}

#[test]
fn the_threads_run_at_the_same_time() {
    shows(&FIBONACCI_THREADS, &["--number", "30"], |trace| run_together(trace, "worker 0", "worker 1", None));
}

#[test]
fn no_run_of_many_hangs() {
    FIBONACCI_THREADS.ends_every_time(&["--number", "15", "--workers", "8"]);
}

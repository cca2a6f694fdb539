use course::testing::contract::Program;

const SEMAPHORE: Program = Program {
    path: env!("CARGO_BIN_EXE_semaphore"),
    source: "src/bin/semaphore.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "five"],
        &["--workers", "1001"],
        &["--permits", "0"],
        &["--permits", "1001"],
        &["--permits", "-1"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    SEMAPHORE.keeps_its_promises();
}

#[test]
fn never_more_are_inside_than_there_are_permits() {
    for workers in [1, 5, 64] {
        for permits in [1, 2, 64] {
            let (w, p) = (workers.to_string(), permits.to_string());
            let output = SEMAPHORE.succeeds(&["--workers", &w, "--permits", &p, "--pace", "0.001"]);
            let mut inside = 0;
            for line in output.lines() {
                inside += i32::from(line.ends_with("has the resource"));
                inside -= i32::from(line.ends_with("gives it back"));
                // Both lines are printed by a thread that has its permit.
                assert!(inside <= permits, "{output}");
            }
            assert_eq!(output.lines().count(), 2 * workers as usize + 1, "{output}");
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    SEMAPHORE.ends_every_time(&["--workers", "8", "--permits", "2", "--pace", "0"]);
}

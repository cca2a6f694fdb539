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
fn there_are_never_more_threads_inside_than_permits() {
    for workers in [1, 5, 64] {
        for permits in [1, 2, 64] {
            let (w, p) = (workers.to_string(), permits.to_string());
            let output = SEMAPHORE.succeeds(&["--workers", &w, "--permits", &p, "--pace", "0.001"]);
            let mut inside = 0;
            for line in output.lines() {
                inside += i32::from(line.ends_with("has the resource"));
                inside -= i32::from(line.ends_with("gives it back"));
                // A thread prints both lines while it has a permit.
                assert!(inside <= permits, "{output}");
            }
            assert_eq!(output.lines().count(), 2 * workers as usize + 1, "{output}");
        }
    }
}

#[test]
fn as_many_threads_are_inside_as_there_are_permits() {
    // The system decides when a thread runs, so a run may have fewer inside. A semaphore that is too strict always has.
    let all_inside = |_| {
        let output = SEMAPHORE.succeeds(&["--workers", "5", "--permits", "3"]);
        output.ends_with("at most 3 at a time\n")
    };
    assert!((0..20).any(all_inside), "no run of 20 has three threads inside");
}

#[test]
fn no_run_of_many_hangs() {
    SEMAPHORE.ends_every_time(&["--workers", "8", "--permits", "2", "--pace", "0"]);
}

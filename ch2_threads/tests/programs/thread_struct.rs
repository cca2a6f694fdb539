use course::testing::contract::Program;
use course::testing::traces;

const THREAD_STRUCT: Program = Program {
    path: env!("CARGO_BIN_EXE_thread_struct"),
    source: "src/bin/thread_struct.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "1001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    THREAD_STRUCT.keeps_its_promises();
}

#[test]
fn every_worker_runs_in_this_process_and_is_over() {
    for workers in [1, 9, 64] {
        let output = THREAD_STRUCT.succeeds(&["--workers", &workers.to_string(), "--pace", "0.001"]);
        let mut processes = crate::items(&output, |line| line.split_once(" runs in process ").map(|(_, id)| id));
        assert_eq!(processes.len(), workers, "{output}");
        processes.dedup();
        assert_eq!(processes.len(), 1, "{output}");
        for number in 1..=workers {
            assert!(output.contains(&format!("Thread#{number} is over after")), "{output}");
        }
    }
}

#[test]
fn the_seed_decides_the_durations() {
    let durations = |seed| {
        let output = THREAD_STRUCT.succeeds(&["--seed", seed, "--pace", "0.01"]);
        let mut lines: Vec<_> = output.lines().filter(|line| line.contains("#")).map(str::to_string).collect();
        lines.retain(|line| line.contains("is over"));
        lines.sort_unstable();
        lines
    };
    assert_eq!(durations("5"), durations("5"));
    assert_ne!(durations("5"), durations("6"));
}

#[test]
fn workers_sleep_at_the_same_time() {
    // A worker sleeps for 0.2 s or more. Two of nine workers that are spawned within that time are enough.
    let sleeps = traces::in_state("sleep", &traces::stretches(&THREAD_STRUCT, &["--pace", "0.2"]));
    assert_eq!(sleeps.len(), 9, "{sleeps:?}");
    assert!(traces::most_at_once(&sleeps) > 1, "{sleeps:?}");
}

#[test]
fn no_run_of_many_hangs() {
    THREAD_STRUCT.ends_every_time(&["--workers", "8", "--pace", "0"]);
}

use course::testing::contract::Program;
use course::testing::traces;

const LOCK_RELEASED_EARLY: Program = Program {
    path: env!("CARGO_BIN_EXE_lock_released_early"),
    source: "src/bin/lock_released_early.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "1001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    LOCK_RELEASED_EARLY.keeps_its_promises();
}

#[test]
fn threads_sleep_at_the_same_time() {
    // Each thread sleeps for a second or more. Two of nine threads that are spawned within that time are enough.
    let sleeps = traces::in_state("sleep", &traces::stretches(&LOCK_RELEASED_EARLY, &["--pace", "1"]));
    assert_eq!(sleeps.len(), 9, "{sleeps:?}");
    assert!(traces::most_at_once(&sleeps) > 1, "{sleeps:?}");
}

#[test]
fn each_thread_has_one_turn() {
    for workers in [1, 9, 64] {
        let output = LOCK_RELEASED_EARLY.succeeds(&["--workers", &workers.to_string(), "--pace", "0"]);
        for what in [" has the lock", " is over"] {
            let mut names = crate::items(&output, |line| line.strip_suffix(what));
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), workers, "{output}");
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    LOCK_RELEASED_EARLY.ends_every_time(&["--workers", "8", "--pace", "0"]);
}

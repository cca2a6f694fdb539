use course::testing::contract::Program;

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
fn all_have_the_lock_before_the_first_is_over() {
    // The shortest sleep of a thread is 1 s here: time enough for all to get the lock.
    let output = LOCK_RELEASED_EARLY.succeeds(&["--pace", "1"]);
    let all = output.lines().position(|line| line.starts_with("all have had the lock")).expect("a wait group");
    let over = output.lines().position(|line| line.ends_with(" is over")).expect("an end");
    assert!(all < over, "{output}");
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

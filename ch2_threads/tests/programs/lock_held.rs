use course::testing::contract::Program;
use course::testing::traces;

const LOCK_HELD: Program = Program {
    path: env!("CARGO_BIN_EXE_lock_held"),
    source: "src/bin/lock_held.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "1001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    LOCK_HELD.keeps_its_promises();
}

#[test]
fn each_thread_is_over_before_the_next_has_the_lock() {
    for workers in [1, 9, 64] {
        let output = LOCK_HELD.succeeds(&["--workers", &workers.to_string(), "--pace", "0.0001"]);
        let all = output.lines().position(|line| line == "all threads have had the lock").expect("the line of `main`");
        let over = output.lines().take(all).filter(|line| line.ends_with(" is over")).count();
        assert!(over + 1 >= workers, "only the last thread can still sleep: {output}");

        let lines: Vec<_> = output.lines().filter(|line| line.starts_with("Thread#")).collect();
        assert_eq!(lines.len(), 2 * workers, "{output}");
        for turn in lines.chunks(2) {
            let name = turn[0].strip_suffix(" has the lock").unwrap_or_else(|| panic!("{output}"));
            assert_eq!(turn[1].strip_suffix(" is over"), Some(name), "{output}");
        }
    }
}

#[test]
fn no_two_threads_sleep_at_the_same_time() {
    let sleeps = traces::in_state("sleep", &traces::stretches(&LOCK_HELD, &["--pace", "0.01"]));
    assert_eq!((sleeps.len(), traces::most_at_once(&sleeps)), (9, 1), "{sleeps:?}");
}

/// The sources of the twins differ in their headers, in the marked line and in the last line before `Ok(())`, and nowhere else.
#[test]
fn the_twins_differ_in_the_marked_line() {
    let read = |name| std::fs::read_to_string(format!("src/bin/{name}.rs")).expect("the source");
    let (held, released) = (read("lock_held"), read("lock_released_early"));
    fn body(source: &str) -> Vec<&str> {
        source.lines().filter(|line| !line.starts_with("//!")).collect()
    }
    let (held, released) = (body(&held), body(&released));
    assert_eq!(held.len(), released.len());
    let differ: Vec<_> = (0..held.len()).filter(|&line| held[line] != released[line]).collect();
    let [asserted, marked] = differ[..] else { panic!("the twins differ in {} lines", differ.len()) };
    assert_eq!(held[asserted + 1].trim(), "Ok(())");
    assert!(held[marked].starts_with("    // drop(turns); // * "), "{}", held[marked]);
    assert!(released[marked].starts_with("    drop(turns); // * "), "{}", released[marked]);
}

#[test]
fn no_run_of_many_hangs() {
    LOCK_HELD.ends_every_time(&["--workers", "8", "--pace", "0"]);
}

use course::testing::contract::Program;

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
        let lines: Vec<_> = output.lines().collect();
        assert_eq!(lines.len(), 2 * workers + 1, "{output}");
        for turn in lines[..2 * workers].chunks(2) {
            let name = turn[0].strip_suffix(" has the lock").unwrap_or_else(|| panic!("{output}"));
            assert_eq!(turn[1].strip_suffix(" is over"), Some(name), "{output}");
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    LOCK_HELD.ends_every_time(&["--workers", "8", "--pace", "0"]);
}

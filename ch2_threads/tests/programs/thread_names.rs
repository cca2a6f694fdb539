use course::testing::contract::Program;

const THREAD_NAMES: Program = Program {
    path: env!("CARGO_BIN_EXE_thread_names"),
    source: "src/bin/thread_names.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "1001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    THREAD_NAMES.keeps_its_promises();
}

#[test]
fn each_name_starts_and_exits_once() {
    for workers in [1, 3, 64] {
        let output = THREAD_NAMES.succeeds(&["--workers", &workers.to_string(), "--pace", "0"]);
        let mut starting = crate::items(&output, |line| line.strip_suffix(" is starting"));
        let mut exiting = crate::items(&output, |line| line.strip_suffix(" is exiting"));
        starting.sort_unstable();
        starting.dedup();
        exiting.sort_unstable();
        assert_eq!(starting.len(), workers, "{output}");
        assert_eq!(starting, exiting);
        assert_eq!(starting[0], "function_A");
    }
}

#[test]
fn no_run_of_many_hangs() {
    THREAD_NAMES.ends_every_time(&["--workers", "8", "--pace", "0"]);
}

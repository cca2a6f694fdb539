use course::testing::contract::Program;
use course::testing::traces;

const THREAD_IDS: Program = Program {
    path: env!("CARGO_BIN_EXE_thread_ids"),
    source: "src/bin/thread_ids.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "1001"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    THREAD_IDS.keeps_its_promises();
}

#[test]
fn one_process_and_as_many_threads() {
    for workers in [1, 2, 64] {
        let output = THREAD_IDS.succeeds(&["--workers", &workers.to_string()]);
        let id = |line: &str, word: &str| {
            let rest = line.split_once(word).unwrap_or_else(|| panic!("{word} is missing: {line}")).1;
            rest.split_once(',').expect("more follows").0.to_string()
        };
        let mut processes: Vec<_> = output.lines().map(|line| id(line, ": process ")).collect();
        let mut threads: Vec<_> = output.lines().map(|line| id(line, ", thread ")).collect();
        assert_eq!(threads[0], processes[0], "main comes first: {output}");
        processes.dedup();
        threads.sort_unstable();
        threads.dedup();
        assert_eq!((processes.len(), threads.len()), (1, workers + 1), "{output}");
    }
}

#[test]
fn all_threads_live_at_the_same_time() {
    let lives = traces::lives(&traces::stretches(&THREAD_IDS, &["--workers", "8"]), "thread ");
    assert_eq!((lives.len(), traces::most_at_once(&lives)), (8, 8), "{lives:?}");
}

#[test]
fn no_run_of_many_hangs() {
    THREAD_IDS.ends_every_time(&["--workers", "8"]);
}

use course::testing::contract::Program;
use course::testing::traces;

const THREAD_SPAWN: Program = Program {
    path: env!("CARGO_BIN_EXE_thread_spawn"),
    source: "src/bin/thread_spawn.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "1001"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    THREAD_SPAWN.keeps_its_promises();
}

#[test]
fn every_thread_is_called_once() {
    for workers in [1, 2, 64, 1000] {
        let output = THREAD_SPAWN.succeeds(&["--workers", &workers.to_string()]);
        let mut called: Vec<u32> = crate::items(&output, |line| line.strip_prefix("my_func called by thread "))
            .iter()
            .map(|number| number.parse().expect("a number"))
            .collect();
        called.sort_unstable();
        assert!(called.iter().copied().eq(0..workers), "{output}");
        let results: Vec<_> = (0..workers).map(|number| number * number).collect();
        assert!(output.ends_with(&format!("the results in the order of the joins: {results:?}\n")), "{output}");
    }
}

#[test]
fn all_threads_live_at_the_same_time() {
    let lives = traces::lives(&traces::stretches(&THREAD_SPAWN, &[]), "thread ");
    assert_eq!((lives.len(), traces::most_at_once(&lives)), (10, 10), "{lives:?}");
}

#[test]
fn no_run_of_many_hangs() {
    THREAD_SPAWN.ends_every_time(&["--workers", "8"]);
}

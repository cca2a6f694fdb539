use course::testing::contract::Program;
use course::testing::traces::{Stretch, lives, of, stretches};

const CANCELLATION: Program = Program {
    path: env!("CARGO_BIN_EXE_cancellation"),
    source: "src/bin/cancellation.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "1001"],
        &["--workers", "-1"],
        &["--workers", "x"],
        &["--workers", "1.5"],
    ],
    long: &["--pace", "100"],
};

/// How many items were begun and finished until the workers were stopped in this way.
fn items(output: &str, way: &str) -> (usize, usize) {
    let line = output.lines().find_map(|line| line.strip_prefix(way)?.strip_prefix(": ")).expect("a line for each way");
    let (begun, rest) = line.split_once(" items begun, ").expect("the begun items");
    let finished = rest.strip_suffix(" finished").expect("the finished items");
    (begun.parse().expect("a number"), finished.parse().expect("a number"))
}

#[test]
fn keeps_its_promises() {
    CANCELLATION.keeps_its_promises();
}

#[test]
fn only_workers_that_are_asked_finish_their_items() {
    for (workers, pace) in [(1, "0"), (3, "0.1"), (3, "0"), (100, "0.001"), (1000, "0")] {
        let output = CANCELLATION.succeeds(&["--workers", &workers.to_string(), "--pace", pace]);
        for (way, lost) in [("dropped", workers), ("selected", workers), ("asked", 0)] {
            let (begun, finished) = items(&output, way);
            assert!(begun >= workers, "{way}: {output}");
            assert_eq!(begun, finished + lost, "{way}: {output}");
        }
    }
}

#[test]
fn a_dropped_buffer_loses_the_first_half_of_each_line() {
    for pace in ["0", "0.1"] {
        let output = CANCELLATION.succeeds(&["--pace", pace]);
        assert!(output.contains("\nnew buffers: received [\"line 1\\n\", \"line 2\\n\"]\n"), "{output}");
        assert!(output.contains("\none buffer: received [\"This is line 1\\n\", \"This is line 2\\n\"]\n"), "{output}");
    }
}

#[test]
fn every_worker_is_a_lane_that_sleeps_and_every_reader_one_that_waits() {
    let stretches = stretches(&CANCELLATION, &["--workers", "5"]);
    for way in ["dropped ", "selected ", "asked "] {
        let workers = lives(&stretches, way);
        assert_eq!(workers.len(), 5, "{way}: {stretches:?}");
        for worker in workers {
            assert!(!of(&stretches, &worker.lane, "sleep").is_empty(), "{worker:?} does not sleep: {stretches:?}");
        }
    }
    for reader in ["new buffers", "one buffer"] {
        // Each half is a read of its own, and the first read of a line lasts until its time-out.
        let waits: Vec<&Stretch> = of(&stretches, reader, "wait");
        let late = waits.iter().filter(|wait| wait.to - wait.from > 199_999.0).count();
        assert!(late >= 2, "{reader}: {waits:?}");
    }
}

#[test]
fn the_seed_decides_the_pauses() {
    let pauses = |seed| {
        let output = CANCELLATION.succeeds(&["--seed", seed]);
        let line = output.lines().next().and_then(|line| line.strip_prefix("3 workers, each item takes "));
        line.expect("the pauses").to_string()
    };
    assert_eq!(pauses("42"), pauses("42"));
    assert_ne!(pauses("42"), pauses("43"));
}

#[test]
fn no_run_of_many_loses_more_or_less() {
    CANCELLATION.ends_every_time(&["--workers", "50", "--pace", "0"]);
}

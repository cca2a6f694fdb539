use course::testing::contract::Program;

const QUEUE: Program = Program {
    path: env!("CARGO_BIN_EXE_queue"),
    source: "src/bin/queue.rs",
    bad: &[
        &["--items", "0"],
        &["--items", "x"],
        &["--items", "-1"],
        &["--items", "1000001"],
        &["--consumers", "0"],
        &["--consumers", "1001"],
        &["--consumers", "-1"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    QUEUE.keeps_its_promises();
}

#[test]
fn every_number_is_taken_once() {
    for consumers in ["1", "3", "64"] {
        for items in [1, 5, 1000] {
            let output = QUEUE.succeeds(&["--consumers", consumers, "--items", &items.to_string(), "--pace", "0"]);
            let mut made =
                crate::items(&output, |line| Some(line.strip_prefix("producer: ")?.split_once(" sent, ")?.0));
            let mut taken =
                crate::items(&output, |line| line.strip_suffix(" taken")?.split_once(": ").map(|two| two.1));
            assert_eq!(made.len(), items);
            made.sort_unstable();
            taken.sort_unstable();
            assert_eq!(made, taken);
        }
    }
}

#[test]
fn the_queue_never_holds_more_than_ten_and_every_consumer_sees_its_end() {
    for consumers in [1, 3, 64] {
        let output = QUEUE.succeeds(&["--consumers", &consumers.to_string(), "--items", "1000", "--pace", "0"]);
        let held = crate::items(&output, |line| Some(line.split_once(" sent, the queue holds ")?.1));
        assert_eq!(held.len(), 1000, "{output}");
        assert!(held.iter().all(|held| held.parse::<usize>().expect("a number") <= 10), "{output}");
        let mut ends = crate::items(&output, |line| line.strip_suffix(": the queue is closed"));
        ends.sort_unstable();
        ends.dedup();
        assert_eq!(ends.len(), consumers, "{output}");
    }
}

#[test]
fn the_consumers_share_the_work() {
    let takers = || {
        let output = QUEUE.succeeds(&["--items", "1000", "--pace", "0"]);
        let mut takers = crate::items(&output, |line| Some(line.strip_suffix(" taken")?.split_once(": ")?.0));
        takers.sort_unstable();
        takers.dedup();
        takers.len()
    };
    // Which consumer takes an item is the scheduler's choice: in one run it may always choose the same.
    assert!((0..20).any(|_| takers() > 1), "one consumer took everything in each run");
}

#[test]
fn no_run_of_many_hangs() {
    QUEUE.ends_every_time(&["--items", "50", "--consumers", "8", "--pace", "0"]);
}

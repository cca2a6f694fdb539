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
                crate::items(&output, |line| line.strip_prefix("producer: ")?.strip_suffix(" goes into the queue"));
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
fn no_run_of_many_hangs() {
    QUEUE.ends_every_time(&["--items", "50", "--consumers", "8", "--pace", "0"]);
}

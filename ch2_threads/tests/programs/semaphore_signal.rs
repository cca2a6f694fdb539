use course::testing::contract::Program;

const SEMAPHORE_SIGNAL: Program = Program {
    path: env!("CARGO_BIN_EXE_semaphore_signal"),
    source: "src/bin/semaphore_signal.rs",
    bad: &[&["--rounds", "0"], &["--rounds", "x"], &["--rounds", "-1"], &["--rounds", "1000001"]],
    long: &["--pace", "0.5", "--rounds", "1000"],
};

#[test]
fn keeps_its_promises() {
    SEMAPHORE_SIGNAL.keeps_its_promises();
}

#[test]
fn the_consumer_gets_every_item_in_order() {
    for rounds in [1, 10, 1000] {
        let output = SEMAPHORE_SIGNAL.succeeds(&["--rounds", &rounds.to_string(), "--pace", "0"]);
        let made = crate::items(&output, |line| line.strip_prefix("producer: made item "));
        let taken = crate::items(&output, |line| line.strip_prefix("consumer: took item "));
        assert_eq!(made.len(), rounds);
        assert_eq!(made, taken);

        let (mut ready, mut waits) = (0, 0);
        for line in output.lines() {
            match line.split_once(' ').expect("a name and what happened") {
                ("producer:", _) => ready += 1,
                ("consumer:", "waits for a permit") => waits += 1,
                _ => {
                    assert!(ready > 0 && waits == 1, "{line}: {output}");
                    (ready, waits) = (ready - 1, 0);
                }
            }
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    SEMAPHORE_SIGNAL.ends_every_time(&["--rounds", "20", "--pace", "0"]);
}

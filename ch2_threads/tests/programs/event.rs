use course::testing::contract::Program;

const EVENT: Program = Program {
    path: env!("CARGO_BIN_EXE_event"),
    source: "src/bin/event.rs",
    bad: &[&["--items", "0"], &["--items", "x"], &["--items", "-1"], &["--items", "1000001"]],
    long: &["--pace", "0.5", "--items", "1000"],
};

#[test]
fn keeps_its_promises() {
    EVENT.keeps_its_promises();
}

#[test]
fn the_consumer_takes_every_item_in_order_and_ends() {
    for items in [1, 5, 1000] {
        let output = EVENT.succeeds(&["--items", &items.to_string(), "--pace", "0"]);
        let made = crate::items(&output, |line| line.strip_prefix("producer: item ")?.strip_suffix(" appended"));
        let woke = crate::items(&output, |line| line.strip_prefix("consumer: woke and took [")?.strip_suffix(']'));
        let taken: Vec<_> = woke.iter().flat_map(|items| items.split(", ")).filter(|item| !item.is_empty()).collect();
        assert_eq!(made.len(), items);
        assert_eq!(made, taken);
        let waits = output.lines().filter(|line| *line == "consumer: waits for the event").count();
        assert_eq!(waits, woke.len(), "{output}");
    }
}

#[test]
fn no_run_of_many_hangs() {
    EVENT.ends_every_time(&["--items", "20", "--pace", "0"]);
}

use std::collections::VecDeque;

use course::testing::contract::Program;

const CONDITION: Program = Program {
    path: env!("CARGO_BIN_EXE_condition"),
    source: "src/bin/condition.rs",
    bad: &[
        &["--items", "0"],
        &["--items", "x"],
        &["--items", "-1"],
        &["--items", "1000001"],
        &["--producers", "0"],
        &["--producers", "501"],
        &["--consumers", "0"],
        &["--consumers", "two"],
        &["--capacity", "0"],
        &["--capacity", "65536"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    CONDITION.keeps_its_promises();
}

#[test]
fn every_item_goes_in_and_out_once_and_threads_wait_only_at_a_full_or_empty_buffer() {
    for (producers, consumers) in [(1, 1), (1, 2), (3, 2), (64, 64)] {
        for capacity in [1, 10] {
            let flags = [("--producers", producers), ("--consumers", consumers), ("--capacity", capacity)];
            let flags = flags.map(|(flag, number)| format!("{flag}={number}"));
            let output = CONDITION.succeeds(&[&flags[0], &flags[1], &flags[2], "--items=200", "--pace=0"]);
            // The lines are printed under the lock, so their order is the order of what happened.
            let (mut put, mut buffer) = (Vec::new(), VecDeque::new());
            for line in output.lines() {
                let (_name, event) = line.split_once([':', 'w']).expect("a name and what happened");
                if let Some(item) = event.strip_prefix(" item ") {
                    let (item, rest) = item.split_once(' ').expect("an item and where it went");
                    if rest.starts_with("in, ") {
                        put.push(item.parse::<u32>().expect("an item"));
                        buffer.push_back(item);
                    } else {
                        assert_eq!(buffer.pop_front(), Some(item), "{output}");
                    }
                    assert!(rest.ends_with(&format!(", {} held", buffer.len())), "{line}: {output}");
                    assert!(buffer.len() <= capacity, "{output}");
                } else if event.ends_with("full") {
                    assert_eq!(buffer.len(), capacity, "{output}");
                } else {
                    assert!(event.ends_with("empty") && buffer.is_empty(), "{line}: {output}");
                }
            }
            put.sort_unstable();
            assert!(put.into_iter().eq(0..200) && buffer.is_empty(), "{output}");
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    CONDITION.ends_every_time(&[
        "--items",
        "50",
        "--producers",
        "3",
        "--consumers",
        "3",
        "--capacity",
        "2",
        "--pace",
        "0",
    ]);
}

use std::process::Command;

use rustix::process::Signal;

use crate::{has_lanes, items};
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::{children_of, signal, wait_for};
use course::testing::traces::{self, of, slept, stretches, were_alive_together};

pub const PROCESS_QUEUE: Program = Program {
    path: env!("CARGO_BIN_EXE_process_queue"),
    source: "src/bin/process_queue.rs",
    bad: &[
        &["--items", "0"],
        &["--items", "x"],
        &["--items", "1000001"],
        &["--producers", "0"],
        &["--producers", "201"],
        &["--producers", "-1"],
        &["--consumers", "0"],
        &["--consumers", "201"],
        &["--consumers", "one"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    PROCESS_QUEUE.keeps_its_promises();
}

#[test]
fn every_number_is_taken_once() {
    for (producers, consumers, each) in
        [("1", "1", 1), ("1", "1", 1000), ("1", "64", 10), ("64", "1", 10), ("64", "64", 3), ("3", "2", 1000)]
    {
        let each_text = each.to_string();
        let args = ["--producers", producers, "--consumers", consumers, "--items", &each_text, "--pace", "0"];
        let output = PROCESS_QUEUE.succeeds(&args);
        let before = |end: &str| -> Vec<String> {
            let item = |line: &str| Some(line.split_once(end)?.0.split_once(": ")?.1.to_string());
            output.lines().filter_map(item).collect()
        };
        let (mut made, mut taken) = (before(" goes into the queue"), before(" taken from the queue"));
        assert_eq!(made.len(), producers.parse::<usize>().unwrap() * each);
        made.sort_unstable();
        taken.sort_unstable();
        assert_eq!(made, taken);
        let last = format!("{0} numbers put in, {0} numbers taken out", made.len());
        assert_eq!(output.lines().last(), Some(last.as_str()), "{output}");
    }
}

#[test]
fn one_consumer_takes_the_numbers_in_their_order() {
    let output = PROCESS_QUEUE.succeeds(&["--items", "500", "--pace", "0"]);
    let made = items(&output, |line| Some(line.strip_prefix("producer 1: ")?.split_once(" goes into the queue")?.0));
    let taken = items(&output, |line| Some(line.strip_prefix("consumer 1: ")?.split_once(" taken from the queue")?.0));
    assert_eq!(made, taken);
}

#[test]
fn the_size_counts_the_numbers_in_the_queue() {
    let output = PROCESS_QUEUE.succeeds(&["--producers", "2", "--consumers", "2", "--items", "50", "--pace", "0"]);
    let sizes = |after: &str| -> Vec<u64> {
        let sizes = items(&output, |line| Some(line.split_once(after)?.1.split_once("its size is ")?.1));
        sizes.iter().map(|size| size.parse().expect("a number")).collect()
    };
    let (put, taken) = (sizes(" goes into the queue"), sizes(" taken from the queue"));
    assert_eq!((put.len(), taken.len()), (100, 100), "{output}");
    assert!(put.iter().all(|size| (1..=100).contains(size)), "{output}");
    // The last number that is taken leaves an empty queue.
    assert!(taken.iter().all(|size| *size < 100) && taken.contains(&0), "{output}");
}

#[test]
fn both_work_at_the_same_time_and_the_consumer_waits_for_the_producer() {
    let stretches = stretches(&PROCESS_QUEUE, &["--items", "4"]);
    were_alive_together(&stretches, &["producer 1", "consumer 1"]);
    slept(&stretches, &["producer 1"], 4, 100_000.0);
    slept(&stretches, &["consumer 1"], 4, 50_000.0);
    let waits = of(&stretches, "consumer 1", "wait");
    assert!(waits.iter().all(|wait| wait.label == "an item"), "{waits:?}");
    // For four items and for the end of the queue.
    assert_eq!(waits.len(), 5, "{waits:?}");
}

#[test]
fn the_seed_decides_the_numbers() {
    let made = |seed| {
        let output = PROCESS_QUEUE.succeeds(&["--seed", seed, "--pace", "0"]);
        items(&output, |line| Some(line.strip_prefix("producer 1: ")?.split_once(" goes into")?.0)).join(" ")
    };
    assert_eq!(made("5"), made("5"));
    assert_ne!(made("5"), made("6"));
}

#[test]
fn a_process_that_is_killed_is_an_error_and_no_hang() {
    for name in ["producer 1", "consumer 1"] {
        let mut group = Group::start(Command::new(PROCESS_QUEUE.path).args(["--consumers", "2", "--pace", "100"]));
        let reader = group.read_output();
        let child = wait_for(name, LIMIT, || children_of(group.id()).into_iter().find(|child| child.name == name));
        signal(child.id, Signal::KILL);
        let (status, errors) = group.end();
        assert_eq!(status.code(), Some(1));
        assert!(errors.starts_with(&format!("error: {name}: ")) && errors.contains("SIGKILL"), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        reader.join().unwrap();
    }
}

#[test]
fn the_chart_has_all_processes() {
    let lanes = ["process_queue", "producer 1", "producer 2", "consumer 1", "consumer 2", "consumer 3"];
    has_lanes(&PROCESS_QUEUE, &["--producers", "2", "--consumers", "3"], &lanes);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_QUEUE.ends_every_time(&["--producers", "3", "--consumers", "3", "--items", "50", "--pace", "0"]);
}

/// However long a run is, its picture has a bounded number of events, and the ends of the processes are among them.
#[test]
fn the_picture_of_a_long_run_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("lanes.json");
    let trace_flag = trace.to_str().unwrap();
    let output = PROCESS_QUEUE.succeeds(&["--items", "100000", "--pace", "0", "--timeline", "--trace", trace_flag]);
    let events = traces::read(&trace).len();
    // Each of the 100,000 numbers changes both lanes several times.
    assert!((1000..150_000).contains(&events), "{events} events");
    assert!(output.contains("changes are too short to be drawn"), "{output}");
    assert!(!output.contains("killed"), "both processes ended by themselves: {output}");
}

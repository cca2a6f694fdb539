use std::process::Command;

use rustix::process::Signal;

use crate::has_lanes;
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::{children_of, signal, wait_for};
use course::testing::traces::{life, of, slept, stretches};

pub const PROCESS_LOCK: Program = Program {
    path: env!("CARGO_BIN_EXE_process_lock"),
    source: "src/bin/process_lock.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "x"],
        &["--workers", "201"],
        &["--rounds", "0"],
        &["--rounds", "-1"],
        &["--rounds", "10001"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    PROCESS_LOCK.keeps_its_promises();
}

#[test]
fn one_addition_of_a_round_remains_without_the_lock_and_all_with_it() {
    for (workers, rounds) in [(1, 1), (1, 100), (2, 1), (4, 3), (5, 1000), (64, 20)] {
        let [workers_text, rounds_text] = [workers, rounds].map(|number: u32| number.to_string());
        let output = PROCESS_LOCK.succeeds(&["--workers", &workers_text, "--rounds", &rounds_text, "--pace", "0"]);
        let all = workers * rounds;
        for line in [
            format!("without a lock: {rounds} of {all} additions are in the counter"),
            format!("with the lock:  {all} of {all} additions are in the counter"),
            "holder has the lock".into(),
            format!("next finds {all} in the counter and must check it"),
        ] {
            assert_eq!(output.lines().filter(|other| *other == line).count(), 1, "{line}: {output}");
        }
        assert_eq!(output.lines().filter(|line| line.starts_with("next has the lock and is told: ")).count(), 1);
    }
}

#[test]
fn a_process_works_with_the_lock_while_the_others_wait() {
    let stretches = stretches(&PROCESS_LOCK, &["--workers", "3", "--rounds", "4"]);
    let with = ["with 1", "with 2", "with 3"];
    slept(&stretches, &with, 4, 10_000.0);
    let mut work: Vec<_> = with.iter().flat_map(|process| of(&stretches, process, "sleep")).collect();
    work.sort_by(|one, other| one.from.total_cmp(&other.from));
    assert!(work.windows(2).all(|two| two[0].to <= two[1].from), "two held the lock at the same time: {work:?}");
}

#[test]
fn the_next_process_waits_until_the_holder_is_killed() {
    let stretches = stretches(&PROCESS_LOCK, &[]);
    let waits = of(&stretches, "next", "wait");
    assert_eq!(waits.iter().map(|wait| wait.label.as_str()).collect::<Vec<_>>(), ["the lock"]);
    // The parent kills the holder when it has slept.
    let slept = of(&stretches, "process_lock", "sleep");
    assert!(slept.len() == 1 && waits[0].to >= slept[0].to - 1.0, "{waits:?} {slept:?}");
    assert!(life(&stretches, "holder").from < slept[0].from, "{stretches:?}");
    let chart = PROCESS_LOCK.succeeds(&["--timeline"]);
    assert!(chart.lines().any(|line| line.starts_with("holder ") && line.ends_with("killed")), "{chart}");
}

#[test]
fn a_process_that_is_killed_with_the_lock_is_an_error_and_no_hang() {
    let mut group = Group::start(Command::new(PROCESS_LOCK.path).args(["--pace", "100"]));
    let reader = group.read_output();
    let child = wait_for("with 1", LIMIT, || children_of(group.id()).into_iter().find(|child| child.name == "with 1"));
    signal(child.id, Signal::KILL);
    let (status, errors) = group.end();
    assert_eq!(status.code(), Some(1));
    assert!(errors.starts_with("error: with 1: ") && errors.contains("SIGKILL"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    reader.join().unwrap();
}

#[test]
fn the_chart_has_all_processes() {
    let lanes = ["process_lock", "without 1", "without 2", "with 1", "with 2", "holder", "next"];
    has_lanes(&PROCESS_LOCK, &["--workers", "2"], &lanes);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_LOCK.ends_every_time(&["--pace", "0", "--rounds", "20"]);
}

use std::process::Command;

use rustix::process::Signal;

use crate::{has_lanes, items};
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::{children_of, signal, wait_for};
use course::testing::traces::{of, slept, stretches};

pub const PROCESS_SEMAPHORE: Program = Program {
    path: env!("CARGO_BIN_EXE_process_semaphore"),
    source: "src/bin/process_semaphore.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "x"],
        &["--workers", "401"],
        &["--permits", "0"],
        &["--permits", "-1"],
        &["--permits", "401"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    PROCESS_SEMAPHORE.keeps_its_promises();
}

#[test]
fn as_many_processes_are_inside_as_there_are_permits_and_never_more() {
    for (workers, permits) in [(1, 1), (1, 5), (5, 1), (5, 2), (5, 5), (6, 400), (64, 3), (64, 63)] {
        for pace in ["0", "0.005"] {
            let [workers_text, permits_text] = [workers, permits].map(|number: u32| number.to_string());
            let args = ["--workers", &workers_text, "--permits", &permits_text, "--pace", pace];
            let output = PROCESS_SEMAPHORE.succeeds(&args);
            let most = permits.min(workers);
            let last = format!("at most {most} processes were inside at a time");
            assert_eq!(output.lines().last(), Some(last.as_str()), "{output}");
            let inside = items(&output, |line| line.split_once(" comes in: ")?.1.strip_suffix(" inside"));
            let inside: Vec<u32> = inside.iter().map(|number| number.parse().expect("a number")).collect();
            assert_eq!(inside.len(), workers as usize, "{output}");
            assert!(inside.iter().all(|number| (1..=most).contains(number)), "{output}");
            assert_eq!(output.lines().filter(|line| line.ends_with(" goes out")).count(), inside.len(), "{output}");
        }
    }
}

#[test]
fn the_chart_shows_the_processes_that_wait_for_a_permit() {
    let stretches = stretches(&PROCESS_SEMAPHORE, &["--workers", "3", "--permits", "1"]);
    let processes = ["process 1", "process 2", "process 3"];
    slept(&stretches, &processes, 1, 200_000.0);
    let mut inside: Vec<_> = processes.iter().flat_map(|process| of(&stretches, process, "sleep")).collect();
    inside.sort_by(|one, other| one.from.total_cmp(&other.from));
    assert!(inside.windows(2).all(|two| two[0].to <= two[1].from), "two were inside at the same time: {inside:?}");
    for process in processes {
        let waits = of(&stretches, process, "wait").iter().filter(|wait| wait.label == "a permit").count();
        assert_eq!(waits, 1, "{process}: {stretches:?}");
    }
}

#[test]
fn a_process_that_is_killed_is_an_error_and_no_hang() {
    let mut group = Group::start(Command::new(PROCESS_SEMAPHORE.path).args(["--pace", "100", "--permits", "1"]));
    let reader = group.read_output();
    let named = || children_of(group.id()).into_iter().find(|child| child.name == "process 1");
    let child = wait_for("process 1", LIMIT, named);
    signal(child.id, Signal::KILL);
    let (status, errors) = group.end();
    assert_eq!(status.code(), Some(1));
    assert!(errors.starts_with("error: process 1: ") && errors.contains("SIGKILL"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    reader.join().unwrap();
}

#[test]
fn the_chart_has_all_processes() {
    let lanes = ["process_semaphore", "process 1", "process 2", "process 3"];
    has_lanes(&PROCESS_SEMAPHORE, &["--workers", "3"], &lanes);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_SEMAPHORE.ends_every_time(&["--pace", "0"]);
}

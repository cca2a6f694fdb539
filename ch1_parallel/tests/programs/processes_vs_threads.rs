use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use course::testing::contract::Program;
use course::testing::proc::{Process, descendants, wait_for};

use crate::fails_under;
use course::testing::traces::{run_together, shows, stretches};

const PROCESSES_VS_THREADS: Program = Program {
    path: env!("CARGO_BIN_EXE_processes_vs_threads"),
    source: "src/bin/processes_vs_threads.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "65"],
        &["--numbers", "0"],
        &["--numbers", "10000001"],
        &["--numbers", "many"],
        &["--child", "first"],
    ],
    long: &["--workers", "64", "--numbers", "1000000"],
};

#[test]
fn keeps_its_promises() {
    PROCESSES_VS_THREADS.keeps_its_promises();
}

#[test]
fn all_ways_are_in_the_table_at_any_number_of_workers() {
    for workers in ["1", "2", "64"] {
        for numbers in ["1", "5000"] {
            let output = PROCESSES_VS_THREADS.succeeds(&["--workers", workers, "--numbers", numbers]);
            let ways: Vec<_> = output.lines().skip(1).map(|line| line[..10].trim()).collect();
            assert_eq!(ways, ["one thread", "threads", "processes"], "{output}");
        }
    }
}

#[test]
fn a_child_writes_its_numbers_and_nothing_else() {
    let mut command = Command::new(PROCESSES_VS_THREADS.path);
    let output =
        command.args(["--child", "1", "--numbers", "1000"]).stdin(Stdio::null()).output().expect("the child runs");
    assert!(output.status.success());
    assert_eq!(output.stdout.len(), (2 + 1000) * size_of::<f64>());
}

#[test]
fn threads_and_processes_run_at_the_same_time() {
    for worker in ["thread", "process"] {
        shows(&PROCESSES_VS_THREADS, &["--workers", "2", "--numbers", "1000000"], |trace| {
            run_together(trace, &format!("{worker} 0"), &format!("{worker} 1"), None)
        });
    }
}

#[test]
fn threads_share_one_process_and_each_process_is_another() {
    let trace = stretches(&PROCESSES_VS_THREADS, &["--workers", "3", "--numbers", "1000"]);
    let process = |lane: String| trace.iter().find(|stretch| stretch.lane == lane).expect(&lane).process;
    let threads: BTreeSet<_> = (0..3).map(|worker| process(format!("thread {worker}"))).collect();
    let processes: BTreeSet<_> = (0..3).map(|worker| process(format!("process {worker}"))).collect();
    assert_eq!((threads.len(), processes.len()), (1, 3), "{trace:?}");
    assert!(threads.is_disjoint(&processes), "{trace:?}");
}

#[test]
fn too_few_descriptors_are_one_error() {
    for descriptors in 6..=14 {
        for timeline in [&[][..], &["--timeline"]] {
            let error = fails_under(&format!("-n {descriptors}"), &PROCESSES_VS_THREADS, timeline);
            assert!(error.contains("Too many open files"), "{error}");
        }
    }
    let error = fails_under("-n 9", &PROCESSES_VS_THREADS, &["--timeline"]);
    assert!(error.starts_with("error: starting process "), "{error}");
}

#[test]
fn too_many_numbers_for_the_memory_are_one_error() {
    let error = fails_under("-v 500000", &PROCESSES_VS_THREADS, &["--workers", "64", "--numbers", "10000000"]);
    assert!(error.starts_with("error: the numbers of a worker: out of memory: "), "{error}");
}

#[test]
fn no_run_of_many_hangs() {
    PROCESSES_VS_THREADS.ends_every_time(&["--workers", "4", "--numbers", "1000"]);
}

#[test]
fn its_children_end_with_it() {
    let mut command = Command::new(PROCESSES_VS_THREADS.path);
    command.args(["--workers", "4", "--numbers", "10000000"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut program = command.spawn().expect("the program starts");
    let started = |all: &Vec<Process>| !all.is_empty();
    let all = wait_for("children", Duration::from_secs(60), || Some(descendants(program.id())).filter(started));
    program.kill().expect("the program is a child of this test");
    program.wait().expect("the program is a child of this test");
    wait_for("end of the children", Duration::from_secs(1), || (!all.iter().any(Process::is_alive)).then_some(()));
}

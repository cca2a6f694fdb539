use std::process::{Command, Stdio};
use std::time::Duration;

use course::testing::contract::Program;
use course::testing::proc::{Process, descendants, wait_for};

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
fn all_ways_are_shown_at_any_number_of_workers() {
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
    let output = command.args(["--child", "1", "--numbers", "1000"]).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(output.stdout.len(), (2 + 1000) * size_of::<f64>());
}

#[test]
fn no_run_of_many_hangs() {
    PROCESSES_VS_THREADS.ends_every_time(&["--workers", "4", "--numbers", "1000"]);
}

#[test]
fn its_children_end_with_it() {
    let mut command = Command::new(PROCESSES_VS_THREADS.path);
    command.args(["--workers", "4", "--numbers", "10000000"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut program = command.spawn().expect("it starts");
    let started = |all: &Vec<Process>| !all.is_empty();
    let all = wait_for("children", Duration::from_secs(60), || Some(descendants(program.id())).filter(started));
    program.kill().expect("a child");
    program.wait().expect("a child");
    wait_for("end of the children", Duration::from_secs(1), || (!all.iter().any(Process::is_alive)).then_some(()));
}

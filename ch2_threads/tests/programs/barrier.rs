use std::process::{Command, Stdio};
use std::time::Duration;

use course::testing::contract::Program;
use course::testing::proc::{Process, descendants, wait_for};
use course::testing::traces;

const BARRIER: Program = Program {
    path: env!("CARGO_BIN_EXE_barrier"),
    source: "src/bin/barrier.rs",
    bad: &[&["--runners", "0"], &["--runners", "three"], &["--runners", "-1"], &["--runners", "1001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    BARRIER.keeps_its_promises();
}

#[test]
fn every_runner_arrives_before_the_race_is_over() {
    for runners in [1, 2, 3, 64, 1000] {
        let output = BARRIER.succeeds(&["--runners", &runners.to_string(), "--pace", "0"]);
        let lines: Vec<_> = output.lines().collect();
        assert_eq!(lines.len(), runners + 3, "{output}");
        assert_eq!((lines[0], lines[runners + 1]), ("START RACE!", "Race over!"));
        let (arrivals, last) = (&lines[1..=runners], lines[runners + 2]);
        assert!(arrivals.iter().all(|line| line.contains(" reached the barrier after ")), "{output}");
        let last = last.strip_prefix("the last runner was ").unwrap_or_else(|| panic!("{output}"));
        assert_eq!(arrivals.iter().filter(|line| line.starts_with(&format!("{last} reached "))).count(), 1, "{output}");
    }
}

#[test]
fn no_run_of_many_hangs() {
    BARRIER.ends_every_time(&["--runners", "8", "--pace", "0"]);
}

#[test]
fn no_runner_leaves_the_barrier_before_the_last_arrives() {
    let stretches = traces::stretches(&BARRIER, &[]);
    let runs = traces::in_state("sleep", &stretches);
    let mut waits = traces::in_state("wait", &stretches);
    waits.retain(|wait| wait.label == "barrier");
    assert_eq!((runs.len(), waits.len()), (3, 3), "each runner runs once and waits once");
    let last_arrival = runs.iter().map(|run| run.to).fold(0.0, f64::max);
    assert!(waits.iter().all(|wait| wait.to >= last_arrival), "{runs:?} {waits:?}");
}

const STARTED_BY_A_TEST: &str = "STARTED_BY_A_TEST";

/// The next test runs this one in a process of its own: a race that lasts for minutes.
#[test]
fn a_long_race() {
    if std::env::var_os(STARTED_BY_A_TEST).is_some() {
        BARRIER.run(&["--pace", "1000"]);
    }
}

#[test]
fn a_program_ends_when_the_process_that_runs_it_is_killed() {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "barrier::a_long_race"])
        .env(STARTED_BY_A_TEST, "yes")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut runner = command.spawn().expect("this program starts");
    let races = |all: &Vec<Process>| all.iter().any(|program| program.name == "barrier");
    let all = wait_for("race", Duration::from_secs(60), || Some(descendants(runner.id())).filter(races));
    runner.kill().expect("a child");
    runner.wait().expect("a child");
    wait_for("end of the race", Duration::from_secs(1), || (!all.iter().any(Process::is_alive)).then_some(()));
}

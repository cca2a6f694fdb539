use std::process::{Command, Stdio};
use std::time::Duration;

use course::testing::contract::Program;
use course::testing::proc::{Process, descendants, wait_for};

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
        assert_eq!(lines.len(), runners + 2, "{output}");
        assert_eq!((lines[0], lines[runners + 1]), ("START RACE!", "Race over!"));
        assert!(lines[1..=runners].iter().all(|line| line.contains("reached the barrier")), "{output}");
    }
}

#[test]
fn no_run_of_many_hangs() {
    BARRIER.ends_every_time(&["--runners", "8", "--pace", "0"]);
}

#[test]
fn the_chart_has_a_lane_a_runner() {
    let output = BARRIER.succeeds(&["--timeline"]);
    for name in ["main", "Huey", "Dewey", "Louie"] {
        assert!(output.lines().any(|line| line.starts_with(name) && line.contains("runs ")), "{name}: {output}");
    }
}

const STARTED_BY_A_TEST: &str = "STARTED_BY_A_TEST";

/// For the next test, in a process of its own: a race that goes on, silently, for minutes.
#[test]
fn a_long_race() {
    if std::env::var_os(STARTED_BY_A_TEST).is_some() {
        BARRIER.run(&["--pace", "1000"]);
    }
}

#[test]
fn a_program_ends_with_the_one_that_runs_it() {
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

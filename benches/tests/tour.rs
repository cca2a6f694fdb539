//! `tour` as a program: bad input, and that nothing outlives it. `.ci/run` runs it to its end.

#[path = "../../ch1_parallel/tests/proc/mod.rs"]
mod proc;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ch1_parallel::program::{Finished, run};
use proc::{Process, descendants, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

fn tour(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tour"));
    command.args(args);
    command
}

fn ends(args: &[&str]) -> Finished {
    run(&mut tour(args), LIMIT).expect("the program starts")
}

#[test]
fn bad_flags_are_usage_errors() {
    for args in [&["--fast"][..], &["--workers", "0"], &["--workers", "two"], &["--quick", "--pace", "x"]] {
        let finished = ends(args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_anything_runs() {
    let finished = ends(&["--quick", "--report", "/dev/null/report"]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("error: /dev/null/report: "), "{finished:?}");
    assert_eq!((finished.stderr.lines().count(), finished.stdout.as_str()), (1, ""), "{finished:?}");
}

#[test]
fn what_it_runs_ends_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = tour(&["--quick", "--report", folder.path().to_str().expect("a plain path")]);
    let mut tour =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let lines = lines(tour.stdout.take().expect("piped"));
    // From here on it runs one program after the other.
    while lines.recv_timeout(LIMIT).expect("a line") != "Every program of every chapter:" {}
    let all = wait_for("program that it runs", LIMIT, || Some(descendants(tour.id())).filter(|all| !all.is_empty()));
    tour.kill().expect("a child");
    tour.wait().expect("a child");
    wait_for("end of all that it ran", Duration::from_secs(1), || (!all.iter().any(Process::is_alive)).then_some(()));
}

fn lines(output: std::process::ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens when the test has seen what it waited for.
            let _ = sender.send(line);
        }
    });
    receiver
}

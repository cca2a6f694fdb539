//! `tour` as a program: bad input. `.ci/run` runs a whole tour.

use std::process::Command;
use std::time::Duration;

use course::program::{Finished, run};

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

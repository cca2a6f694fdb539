//! `start` as a program: what a plain `cargo run` says.

use std::process::Command;
use std::time::Duration;

use benches::examples;
use course::program::{Finished, run};

fn start(args: &[&str]) -> Finished {
    let finished = run(Command::new(env!("CARGO_BIN_EXE_start")).args(args), Duration::from_secs(60));
    finished.expect("the program starts")
}

#[test]
fn every_program_is_named_in_reading_order() {
    let finished = start(&[]);
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""));
    let programs = finished.stdout.lines().skip_while(|line| !line.starts_with("The programs"));
    let names: Vec<_> = programs.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let all = examples::all().expect("examples");
    assert_eq!(names, all.iter().map(|example| &example.name).collect::<Vec<_>>());
    assert_eq!(names.first(), Some(&"serial_and_parallel"));
    assert!(finished.stdout.contains("scripts/tour"));
}

#[test]
fn bad_flags_are_usage_errors() {
    let finished = start(&["tour"]);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
}

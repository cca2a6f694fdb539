//! `metg` as a program: its curves, its table, and bad input.

use std::process::Command;
use std::time::Duration;

use benches::metg::{Curve, metg};
use course::program::{Finished, run};

fn program(args: &[&str]) -> Finished {
    run(Command::new(env!("CARGO_BIN_EXE_metg")).args(args), Duration::from_secs(120)).expect("the program starts")
}

#[test]
fn a_line_for_each_curve() {
    let finished = program(&["--workers", "2", "--pattern", "tree", "--strategy", "threads", "--json"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let curves: Vec<Curve> = finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a curve")).collect();
    let [curve] = &curves[..] else { panic!("{curves:?}") };
    assert_eq!((curve.strategy.as_str(), curve.pattern.as_str(), curve.workers), ("threads", "tree", 2));
    assert!(curve.points.len() > 5, "{curve:?}");
    assert!(curve.points.windows(2).all(|two| two[0].grain == 2 * two[1].grain), "the work is halved: {curve:?}");
    assert!((curve.points[0].efficiency - 1.0).abs() < 1e-9, "the peak of its own: {curve:?}");
    assert_eq!(curve.metg, metg(&curve.points));
}

#[test]
fn a_table_with_a_row_for_each_strategy() {
    let finished = program(&["--workers", "1", "--pattern", "stencil_1d", "--strategy", "serial"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{finished:?}");
    assert!(lines[0].contains("METG(50 %) in microseconds"), "{finished:?}");
    assert!(lines[1].ends_with("stencil_1d") && lines[2].starts_with("serial"), "{finished:?}");
}

#[test]
fn bad_flags_are_usage_errors() {
    for args in [&["--workers", "0"][..], &["--pattern", "star"], &["--strategy", "magic"], &["--quick"]] {
        let finished = program(args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
}

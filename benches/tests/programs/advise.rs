//! `advise` as a program: its advice, its file of prices, its checks, and bad input. No test asserts a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use benches::advisor::Advice;
use ch1_parallel::kernels::Strategy;
use course::program::{Finished, run};
use serde_json::Value;

fn advise(prices: &Path, args: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advise"));
    let finished = run(command.env("ADVISE_PRICES", prices).args(args), Duration::from_secs(240));
    finished.expect("the program starts")
}

/// A file with prices that one run has measured.
fn prices() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("advise_prices.json");
        let finished = advise(&file, &["--measure"]);
        assert_eq!(finished.code(), Some(0), "{finished:?}");
        file
    })
}

fn advice(args: &[&str]) -> Advice {
    let finished = advise(prices(), &[args, &["--json"]].concat());
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert_eq!(finished.stdout.lines().count(), 1, "{finished:?}");
    serde_json::from_str(&finished.stdout).expect("advice")
}

#[test]
fn advice_names_a_strategy_and_the_reason() {
    let finished = advise(prices(), &["--tasks", "100", "--task-us", "2.5", "--bytes", "8"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let text = &finished.stdout;
    for part in ["100 tasks that compute 2.5 µs each", "\nrecommended: ", "of its time is ", "serial", "processes"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!finished.stderr.contains("measuring"), "the file has the prices: {finished:?}");
}

#[test]
fn json_has_every_strategy_and_the_recommended_one_first() {
    let computing = advice(&["--tasks", "100000", "--task-us", "1000"]);
    assert_eq!(computing.question.workers, benches::machine::usable_cores());
    assert_eq!(computing.recommended, computing.strategies[0].strategy);
    // The recommended strategy may be a simpler one that is nearly as fast as the fastest.
    assert!(computing.strategies[1..].is_sorted_by_key(|row| row.predicted));
    assert!(computing.strategies.iter().all(|row| row.strategy != Strategy::Async && row.measured.is_none()));
    let waiting = advice(&["--tasks", "100000", "--task-us", "1000", "--waiting"]);
    assert_eq!(waiting.question.workers, 100);
    assert!(waiting.strategies.iter().any(|row| row.strategy == Strategy::Async));
}

#[test]
fn check_measures_every_strategy() {
    for waiting in [&[][..], &["--waiting"]] {
        let flags = ["--tasks", "30", "--task-us", "100", "--bytes", "1001", "--workers", "3", "--check"];
        let checked = advice(&[&flags[..], waiting].concat());
        for row in &checked.strategies {
            assert!(row.measured.is_some_and(|seconds| seconds > 0.0), "{row:?}");
        }
        assert!(checked.strategies.len() >= 4 + waiting.len());
    }
}

#[test]
fn what_would_take_too_long_is_left_out() {
    let checked = advice(&["--tasks", "30", "--task-us", "1e7", "--check"]);
    assert!(checked.strategies.iter().all(|row| row.measured.is_none() && row.left_out.is_some()), "{checked:?}");
}

#[test]
fn a_damaged_file_of_prices_is_measured_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.json");
    let whole = fs::read_to_string(prices()).expect("the prices");
    fs::write(&file, &whole[..whole.len() / 2]).expect("half of it");
    let args = ["--tasks", "1", "--task-us", "1"];
    let finished = advise(&file, &args);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert!(finished.stderr.contains("measuring the prices of this machine"), "{finished:?}");
    let renewed = fs::read_to_string(&file).expect("the prices");
    assert!(serde_json::from_str::<Value>(&renewed).is_ok(), "{renewed}");
    assert!(!advise(&file, &args).stderr.contains("measuring"));
    assert_eq!(fs::read_to_string(&file).expect("the prices"), renewed);
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing else is left there");
}

#[test]
fn prices_that_cannot_be_written_are_an_error() {
    let finished = advise(Path::new("/proc/no/prices.json"), &["--tasks", "1"]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.contains("error: /proc/no/prices.json"), "{finished:?}");
}

#[test]
fn the_grid_runs() {
    let finished = advise(prices(), &["--check", "--grid", "6"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert_eq!(finished.stdout.lines().count(), 7, "{finished:?}");
    assert!(finished.stdout.contains(" of 6 cases"), "{finished:?}");
}

#[test]
fn results_that_do_not_fit_are_refused_in_one_line() {
    let finished = advise(prices(), &["--tasks", "1000000000", "--bytes", "1073741824"]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    assert!(finished.stderr.contains("a quarter of the free memory"), "{finished:?}");
}

#[test]
fn bad_flags_are_usage_errors() {
    let bad: &[&[&str]] = &[
        &[],
        &["--tasks", "0"],
        &["--tasks", "many"],
        &["--tasks", "1", "--task-us", "-1"],
        &["--tasks", "1", "--task-us", "nan"],
        &["--tasks", "1", "--bytes", "-1"],
        &["--tasks", "1", "--workers", "0"],
        &["--grid"],
        &["--check"],
        &["--check", "--grid", "61"],
        &["--check", "--grid", "--tasks", "1"],
    ];
    for args in bad {
        let finished = advise(Path::new("/proc/no/prices.json"), args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
}

//! `forecast` as a program: its forecasts, its files, its comparison with real runs, and bad input. No test asserts a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use benches::forecast::parameters::Parameters;
use course::program::{Finished, run};
use serde_json::Value;

fn forecast(args: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forecast"));
    run(command.args(args), Duration::from_secs(240)).expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A file with parameters that one run of `--check`, under the real mpirun, has measured for `count`.
fn measured() -> &'static (PathBuf, Value) {
    static MEASURED: OnceLock<(PathBuf, Value)> = OnceLock::new();
    MEASURED.get_or_init(|| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forecast_parameters.json");
        let flags =
            ["count", "--check", "--size", "50", "--ranks", "2", "--rounds", "1", "--json", "--save", text(&file)];
        let finished = forecast(&flags);
        assert_eq!(finished.code(), Some(0), "{finished:?}");
        assert_eq!(finished.stdout.lines().count(), 1, "{finished:?}");
        (file, serde_json::from_str(&finished.stdout).expect("a comparison"))
    })
}

#[test]
fn check_predicts_and_measures() {
    let cases = measured().1["cases"].as_array().expect("cases");
    let ranks: Vec<_> = cases.iter().map(|case| case["ranks"].as_u64().expect("ranks")).collect();
    assert_eq!(ranks, [1, 2]);
    for case in cases {
        assert_eq!((case["kernel"].as_str(), case["size"].as_u64()), (Some("count"), Some(50)));
        assert!(case["predicted"].as_f64() > Some(0.0) && case["measured"].as_f64() > Some(0.0), "{case}");
    }
}

#[test]
fn the_saved_parameters_are_used_again() {
    let file = &measured().0;
    let parameters = Parameters::load(file).expect("good parameters");
    assert_eq!(parameters.jobs.len(), 2);
    let plot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forecast.svg");
    let flags = ["count", "--parameters", text(file), "--ranks", "2", "--size", "100"];
    // With one node, as many ranks as there are in the plot are on it.
    let finished = forecast(&[&flags[..], &["--ranks-per-node", "1024", "--plot", text(&plot)]].concat());
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    for words in ["count of size 100, ranks: 2, nodes: 1", "strong scaling", "weak scaling", "  1024 "] {
        assert!(finished.stdout.contains(words), "{words}: {finished:?}");
    }
    assert!(!finished.stderr.contains("measuring"), "{finished:?}");
    let svg = fs::read_to_string(&plot).expect("the plot");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
}

#[test]
fn parameters_that_make_no_sense_are_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = fs::read_to_string(&measured().0).expect("the parameters");
    let spoil = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&good).expect("JSON");
        change(&mut value);
        value.to_string()
    };
    for (name, text_of_file) in [
        ("half", good[..good.len() / 2].to_owned()),
        ("negative", spoil(&|value| value["jobs"][1]["node"]["latency"] = (-1.0).into())),
        ("text", spoil(&|value| value["cores"] = "two".into())),
        ("missing", spoil(&|value| drop(value.as_object_mut().map(|all| all.remove("cores"))))),
        ("no rates", spoil(&|value| value["jobs"][0]["rates"] = serde_json::json!({}))),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text_of_file).expect("the file");
        let finished = forecast(&["count", "--parameters", text(&path)]);
        assert_eq!(finished.code(), Some(1), "{name}: {finished:?}");
        assert_eq!((finished.stdout.as_str(), finished.stderr.lines().count()), ("", 1), "{name}: {finished:?}");
        assert!(finished.stderr.starts_with("error: "), "{name}: {finished:?}");
    }
}

#[test]
fn files_that_cannot_be_written_are_an_error_before_anything_is_measured() {
    for flag in ["--save", "--plot"] {
        let finished = forecast(&["count", flag, "/proc/no/file"]);
        assert_eq!((finished.code(), finished.stderr.lines().count()), (Some(1), 1), "{finished:?}");
        assert!(finished.stderr.starts_with("error: /proc/no/file"), "{finished:?}");
    }
}

#[test]
fn bad_flags_are_usage_errors() {
    let bad: &[&[&str]] = &[
        &[],
        &["nstream"],
        &["stencil", "--ranks", "0"],
        &["stencil", "--ranks", "5000"],
        &["stencil", "--size", "4"],
        &["stencil", "--size", "many"],
        &["count", "--grain", "0"],
        &["count", "--ranks-per-node", "0"],
        &["count", "--rounds", "3"],
        &["count", "--check", "--rounds", "0"],
        &["--check", "--size", "100"],
        &["count", "--check", "--parameters", "file"],
        &["count", "--parameters", "file", "--save", "file"],
        &["count", "--parameters", "file", "--plot", "./file"],
        &["count", "--save", "file", "--plot", "./file"],
        &["count", "--parameters", "file", "--rounds", "3"],
    ];
    for args in bad {
        let finished = forecast(args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
}

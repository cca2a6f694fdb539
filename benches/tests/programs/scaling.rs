//! `scaling` as a program and by its script: what it prints and writes, and bad input.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use benches::examples::root;
use benches::mpi;
use course::program::{Finished, run};

fn scaling(args: &[&str]) -> Finished {
    let program = env!("CARGO_BIN_EXE_scaling");
    run(Command::new(program).args(args), Duration::from_secs(120)).expect("the program starts")
}

/// Whether ranks can be started. The programs of chapter 4 are built here, so that no build takes the time of a program.
fn have_ranks() -> bool {
    mpi::available().inspect_err(|missing| println!("skipped: {missing:#}")).is_ok()
}

#[test]
fn the_script_measures_both_kinds_of_scaling() {
    if !have_ranks() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut script = Command::new(root().join("scripts/scaling"));
    script.env("SCALING_PROFILE", "dev").current_dir(folder.path());
    script.args(["count", "--ranks", "3,2", "--size", "60", "--rounds", "3", "--time", "20"]);
    let finished = run(script.args(["--csv", "points.csv", "--plot", "points.svg"]), Duration::from_secs(300));
    let finished = finished.expect("the script starts");
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    for words in ["strong scaling of count", "Amdahl's law: serial fraction", "weak scaling", "Gustafson's law: serial"]
    {
        assert!(finished.stdout.contains(words), "{words}: {finished:?}");
    }
    assert_eq!(finished.stdout.matches("(95 %: ").count(), 2, "{finished:?}");

    let csv = fs::read_to_string(folder.path().join("points.csv")).expect("the points");
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let readme = fs::read_to_string(root().join("benches/README.md")).expect("the README");
    for column in &lines[0] {
        assert!(readme.contains(&format!("`{column}`")), "benches/README.md does not describe the column {column}");
    }
    let cell = |line: &[&str], name: &str| {
        line[lines[0].iter().position(|column| *column == name).expect("a column")].to_owned()
    };
    let places: Vec<_> =
        lines[1..].iter().map(|line| ["scaling", "ranks", "size"].map(|name| cell(line, name))).collect();
    let right =
        [("strong", 1, 60), ("strong", 2, 60), ("strong", 3, 60), ("weak", 1, 60), ("weak", 2, 120), ("weak", 3, 180)];
    assert_eq!(places, right.map(|(scaling, ranks, size)| [scaling.to_owned(), ranks.to_string(), size.to_string()]));
    for line in &lines[1..] {
        let number = |name: &str| cell(line, name).parse::<f64>().unwrap_or_else(|_| panic!("{name}: {line:?}"));
        assert!(number("seconds_low") <= number("seconds") && number("seconds") <= number("seconds_high"), "{line:?}");
        assert!((number("efficiency") * number("ranks") - number("speedup")).abs() < 1e-9, "{line:?}");
        assert!(number("serial_low") <= number("serial_high") && number("serial_fraction").is_finite(), "{line:?}");
        let (ranks, speedup) = (number("ranks"), number("speedup"));
        if ranks > 1.0 {
            let fraction = (1.0 / speedup - 1.0 / ranks) / (1.0 - 1.0 / ranks);
            assert!((number("karp_flatt") - fraction).abs() < 1e-9, "{line:?}");
        } else {
            assert_eq!((speedup, cell(line, "karp_flatt")), (1.0, String::new()));
        }
    }
    let svg = fs::read_to_string(folder.path().join("points.svg")).expect("the plot");
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("Gustafson's law: serial fraction"), "{svg}");
}

#[test]
fn one_kind_of_scaling_with_arguments_of_the_launcher() {
    if !have_ranks() {
        return;
    }
    let flags = ["stencil", "--weak", "--ranks", "2", "--size", "40", "--rounds", "2", "--time", "10"];
    // All launchers know this flag.
    let finished = scaling(&[&flags[..], &["--", "-wdir", "/"]].concat());
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert!(finished.stdout.starts_with("weak scaling of stencil, median of 2 rounds\n"), "{finished:?}");
    assert!(
        !finished.stdout.contains("Amdahl") && finished.stdout.contains("   57 "),
        "40 times the root of 2: {finished:?}"
    );
    let finished = scaling(&["count", "--", "--no-such-flag-of-a-launcher"]);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
    // A remark says so when another test's cargo keeps the build waiting.
    let errors: Vec<&str> = finished.stderr.lines().filter(|line| !line.starts_with("remark: mpi: cargo ")).collect();
    assert!(matches!(errors[..], [error] if error.starts_with("error: mpi: the launcher: ")), "{finished:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_measurement() {
    for flag in ["--csv", "--plot"] {
        let finished = scaling(&["count", flag, "/no/such/folder/file"]);
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert_eq!(finished.stderr, "error: /no/such/folder/file: No such file or directory (os error 2)\n");
    }
}

/// The programs of chapter 4 keep the launcher of their build as their default. A launcher that is set for one run only must not
/// become it.
#[test]
fn the_launcher_of_a_run_is_not_that_of_the_build() {
    if !have_ranks() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (cargo, said) = (folder.path().join("cargo"), folder.path().join("said"));
    let script = format!("#!/bin/sh\necho \"launcher: ${{MPIRUN-}}\" >'{}'\nexit 1\n", said.display());
    fs::write(&cargo, script).expect("the script");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("its mode");
    let mut scaling = Command::new(env!("CARGO_BIN_EXE_scaling"));
    scaling.args(["count", "--ranks", "1"]).env("CARGO", &cargo).env("MPIRUN", "/the/launcher/of/this/run");
    let finished = run(&mut scaling, Duration::from_secs(120)).expect("the program starts");
    assert_eq!(
        finished.stderr,
        "error: mpi: chapter 4 does not build: cargo failed; details: cargo build --bin kernel_mpi\n"
    );
    assert_eq!(fs::read_to_string(&said).expect("what cargo was told"), "launcher: \n");
}

#[test]
fn bad_flags_are_usage_errors() {
    for args in [
        &[][..],
        &["sort"],
        &["grain"],
        &["waiting"],
        &["count", "--ranks", "0"],
        &["count", "--ranks", "1,two"],
        &["count", "--ranks", ""],
        &["count", "--strong", "--weak"],
        &["count", "--rounds", "0"],
        &["count", "--time", "0"],
        &["count", "--size", "0"],
        &["stencil", "--size", "4"],
        &["stencil", "--size", "60000", "--ranks", "1,2"],
        &["count", "--csv", "one", "--plot", "one"],
        &["count", "--csv", "one", "--plot", "./one"],
        &["count", "--hostfile", "hosts"],
    ] {
        let finished = scaling(args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: scaling"), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
    let finished = scaling(&["--help"]);
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    assert!(
        finished.stdout.contains("Amdahl and Gustafson") && finished.stdout.contains("--ranks <LIST>"),
        "{finished:?}"
    );
}

//! `doctor` as a program: a line for each thing, and an exit status that says whether all is well.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use benches::machine;
use course::program::{Finished, run};

const THINGS: [&str; 7] = ["cores", "memory", "Rust compiler", "C compiler", "MPI", "launcher", "libclang"];

fn doctor() -> Command {
    Command::new(env!("CARGO_BIN_EXE_doctor"))
}

fn ends(command: &mut Command) -> Finished {
    run(command, Duration::from_secs(120)).expect("the program starts")
}

/// What it says of each thing: `ok`, `remark` or `WRONG`.
fn words(finished: &Finished) -> Vec<&str> {
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), THINGS.len(), "{finished:?}");
    let said = lines.into_iter().zip(THINGS).map(|(line, thing)| {
        let rest = line.strip_prefix(thing).unwrap_or_else(|| panic!("no line of {thing}: {finished:?}"));
        rest.split_whitespace().next().unwrap_or_default()
    });
    said.collect()
}

fn program(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn a_machine_that_has_everything_is_well() {
    if let Err(unwanted) = machine::wants_mpi() {
        println!("MPI: {unwanted}");
        return;
    }
    // An MPI that stands for any.
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("mpi.h"), "#define MPICH_VERSION \"5.0.2\"\n").expect("a header");
    fs::write(path("libclang.so"), "").expect("a library");
    program(&path("mpicc"), &format!("echo gcc -I{}", folder.path().display()));
    program(&path("mpirun"), "echo HYDRA build details:; echo '    Version: 5.0.2'");
    let mut command = doctor();
    command.env("MPICC", path("mpicc")).env("MPIRUN", path("mpirun")).env("LIBCLANG_PATH", folder.path());
    let finished = ends(&mut command);
    let words = words(&finished);
    assert!(!words.contains(&"WRONG"), "{finished:?}");
    // One core only is worth a remark.
    assert!(words[1..].iter().all(|word| *word == "ok"), "{finished:?}");
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""));

    // The launcher of another MPI.
    program(&path("mpirun"), "echo 'mpirun (Open MPI) 5.0.11'");
    let finished = ends(&mut command);
    assert_eq!(self::words(&finished)[4..], ["ok", "WRONG", "ok"], "{finished:?}");
    assert!(finished.stdout.contains(&format!("built with MPICH 5.0.2: {}\n", machine::MEND)), "{finished:?}");
    assert_eq!(finished.code(), Some(1));
}

#[test]
fn what_is_missing_is_named_with_the_command_that_mends_it() {
    // No program is found; MPI is, if set-up has written where.
    let finished = ends(doctor().env("PATH", "").env_remove("MPICC").env_remove("MPIRUN"));
    let words = words(&finished);
    assert_eq!(words[2..4], ["WRONG", "WRONG"], "{finished:?}");
    for mend in ["rustup update stable", "install gcc"] {
        assert!(finished.stdout.contains(mend), "{finished:?}");
    }
    let wrong = words.iter().filter(|word| **word == "WRONG").count();
    let error = format!("error: doctor: {wrong} of 7 checks failed\n");
    assert_eq!((finished.code(), finished.stderr), (Some(1), error));
}

#[test]
fn bad_flags_are_usage_errors() {
    for args in [&["--mend"][..], &["mpi"], &["--seed", "x"]] {
        let finished = ends(doctor().args(args));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
    }
}

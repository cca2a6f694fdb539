use std::process::Command;

use course::testing::contract::Program;

use crate::common;

const AVOIDING_DEADLOCK: Program = Program {
    path: env!("CARGO_BIN_EXE_avoiding_deadlock"),
    source: "src/bin/avoiding_deadlock.rs",
    bad: &[
        &["--items", "0"],
        &["--items", "100001"],
        &["--items", "ten"],
        &["--rounds", "0"],
        &["--rounds", "1000001"],
        &["--ranks", "0"],
    ],
    long: &[],
};

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(AVOIDING_DEADLOCK.path);
    command.args(flags);
    command
}

#[test]
fn keeps_its_promises() {
    AVOIDING_DEADLOCK.keeps_its_own_promises();
}

/// The four ways, each with a time.
fn assert_table(stdout: &str) {
    let mut ways = Vec::new();
    for line in stdout.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[2..], ["us", "per", "exchange"], "{stdout}");
        assert!(words[1].parse::<f64>().is_ok_and(|time| time > 0.0), "{stdout}");
        ways.push(words[0]);
    }
    assert_eq!(ways, ["order", "send-receive", "non-blocking", "buffered"], "{stdout}");
}

#[test]
fn no_number_of_ranks_deadlocks() {
    for ranks in [2, 3, 4, 5, 9, 12] {
        assert_table(&common::succeed(&mut common::mpirun(ranks, &program(&[]))));
    }
}

/// MPI sends the larger messages only when the receive has started, and the largest ones fill a part of the attached buffer.
#[test]
fn no_size_deadlocks() {
    for items in ["1", "500", "10000", "100000"] {
        for ranks in [2, 3, 5] {
            assert_table(&common::succeed(&mut common::mpirun(ranks, &program(&["--items", items, "--rounds", "20"]))));
        }
    }
}

#[test]
fn one_rank_is_too_few() {
    let finished = common::run(common::hasty(&mut common::mpirun(1, &program(&[]))));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("this lesson needs at least 2, not 1"), "{finished:#?}");
    assert_eq!(finished.stdout, "", "{finished:#?}");
}

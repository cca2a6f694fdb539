use std::process::Command;

use course::testing::contract::Program;

use crate::common;

/// It fails without flags, as it should, so it does not keep the promises of the other programs.
const DEADLOCK: Program = Program {
    path: env!("CARGO_BIN_EXE_deadlock"),
    source: "src/bin/deadlock.rs",
    bad: &[&["--case"], &["--case", "none"], &["--case", "recv"], &["--repaired", "yes"], &["--ranks", "0"]],
    long: &[],
};

const CASES: [&str; 5] = ["recv-recv", "send-send", "collective", "wrong-tag", "missing-rank"];

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(DEADLOCK.path);
    command.args(flags);
    command
}

#[test]
fn bad_flags_are_refused() {
    for flags in DEADLOCK.bad {
        let finished = DEADLOCK.run(flags);
        assert_eq!(finished.code(), Some(2), "{flags:?}: {finished:#?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:#?}");
        assert_eq!(finished.stdout, "", "{flags:?}");
    }
}

#[test]
fn a_repaired_case_ends_with_any_number_of_ranks() {
    for case in CASES {
        for ranks in [2, 3, 4, 5, 9, 12] {
            let program = program(&["--case", case, "--repaired"]);
            let stdout = common::succeed(&mut common::mpirun(ranks, &program));
            let right: String =
                (0..ranks).map(|rank| format!("rank {rank} of {ranks}: every call has returned\n")).collect();
            assert_eq!(stdout, right, "{case}");
        }
    }
}

/// The instrument of the library ends the job, and names the line of this program in which a rank waits.
#[test]
fn a_broken_case_is_reported() {
    for case in CASES {
        for ranks in [2, 3, 4, 5] {
            let program = program(&["--case", case, "--deadline", "0.5"]);
            let finished = common::run(common::hasty(&mut common::mpirun(ranks, &program)));
            assert_eq!(finished.code(), Some(3), "{case}: {finished:#?}");
            assert!(finished.stderr.contains("deadlock.rs:"), "{case}: {finished:#?}");
            assert_eq!(finished.stdout, "", "{case}: {finished:#?}");
        }
    }
}

#[test]
fn recv_recv_is_the_first_case() {
    let finished = DEADLOCK.run(&[]);
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(finished.stderr.contains("MPI_Recv"), "{finished:#?}");
}

#[test]
fn one_rank_is_too_few() {
    for case in CASES {
        let finished = common::run(common::hasty(&mut common::mpirun(1, &program(&["--case", case]))));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        assert!(finished.stderr.contains("this lesson needs at least 2, not 1"), "{finished:#?}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
}

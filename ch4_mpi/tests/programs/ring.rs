use std::process::Command;

use course::testing::contract::Program;

use crate::common;

const RING: Program = Program {
    path: env!("CARGO_BIN_EXE_ring"),
    source: "src/bin/ring.rs",
    bad: &[
        &["--rounds", "0"],
        &["--rounds", "1000001"],
        &["--rounds", "ten"],
        &["--work", "-1"],
        &["--work", "1000000001"],
        &["--ranks", "0"],
    ],
    long: &[],
};

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(RING.path);
    command.args(flags);
    command
}

/// Both ways, each with the token that every rank has incremented in every round.
fn assert_tokens(stdout: &str, token: usize) {
    let ways: Vec<_> = stdout.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>()).collect();
    let token = token.to_string();
    assert_eq!(ways, [["blocking", "token", &token], ["non-blocking", "token", &token]], "{stdout}");
}

#[test]
fn keeps_its_promises() {
    RING.keeps_its_own_promises();
}

#[test]
fn any_number_of_ranks() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        assert_tokens(&common::succeed(&mut common::mpirun(ranks, &program(&[]))), ranks * 50);
    }
}

#[test]
fn any_number_of_rounds() {
    for rounds in [1, 2, 1000] {
        for ranks in [1, 2, 3] {
            let program = program(&["--rounds", &rounds.to_string(), "--work", "0"]);
            assert_tokens(&common::succeed(&mut common::mpirun(ranks, &program)), ranks * rounds);
        }
    }
}

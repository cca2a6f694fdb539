use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, succeed};

const BROADCAST: Program = Program {
    path: env!("CARGO_BIN_EXE_broadcast"),
    source: "src/bin/broadcast.rs",
    bad: &[
        &["--items", "-1"],
        &["--items", "1000001"],
        &["--factor", "0"],
        &["--factor", "ten"],
        &["--factor", "1000001"],
        &["--ranks", "0"],
    ],
    // The program has no pauses.
    long: &[],
};

/// What the ranks print if there are so few items that all of them are shown.
fn right(ranks: usize, factor: usize, items: usize) -> String {
    let mut lines = String::new();
    for rank in 0..ranks {
        let part: Vec<_> = (rank * items / ranks + 1..=(rank + 1) * items / ranks).collect();
        let products: Vec<_> = part.iter().map(|item| factor * item).collect();
        lines += &format!("rank {rank} of {ranks}: {factor} * {part:?} = {products:?}\n");
    }
    lines
}

#[test]
fn keeps_its_promises() {
    BROADCAST.keeps_its_own_promises();
}

#[test]
fn every_rank_has_the_factor_and_its_part() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        assert_eq!(succeed(&mut mpirun(ranks, &Command::new(BROADCAST.path))), right(ranks, 100, 10));
    }
}

#[test]
fn any_factor_and_any_number_of_items() {
    for (factor, items) in [(1, 0), (7, 1), (1_000_000, 2), (3, 30)] {
        let flags = ["--ranks", "3", "--factor", &factor.to_string(), "--items", &items.to_string()];
        assert_eq!(BROADCAST.succeeds(&flags), right(3, factor, items));
    }
    let stdout = BROADCAST.succeeds(&["--ranks", "3", "--factor", "1000000", "--items", "1000000"]);
    assert!(stdout.ends_with(" * [666667, ..., 1000000] = [666667000000, ..., 1000000000000]\n"), "{stdout}");
}

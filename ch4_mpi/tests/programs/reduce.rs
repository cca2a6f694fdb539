use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, succeed};

const REDUCE: Program = Program {
    path: env!("CARGO_BIN_EXE_reduce"),
    source: "src/bin/reduce.rs",
    bad: &[&["--items", "-1"], &["--items", "0"], &["--items", "ten"], &["--items", "1000001"], &["--ranks", "0"]],
    // The program has no pauses.
    long: &[],
};

/// What the ranks print if the rows are so short that they are shown.
fn right(ranks: usize, items: usize) -> String {
    let multiples = |factor: usize| (0..items).map(|item| factor * item).collect::<Vec<_>>();
    let (sums, maxima) = (multiples((1..=ranks).sum()), multiples(ranks));
    let mut lines = String::new();
    for rank in 0..ranks {
        lines += &format!("rank {rank} of {ranks} contributes {:?}\n", multiples(rank + 1));
    }
    lines += &format!("rank 0 has the sums {sums:?} after reduce\n");
    for rank in 0..ranks {
        lines += &format!("rank {rank} has the sums {sums:?} and the maxima {maxima:?} after all_reduce\n");
    }
    lines
}

#[test]
fn keeps_its_promises() {
    REDUCE.keeps_its_own_promises();
}

#[test]
fn sums_and_maxima_with_any_number_of_ranks() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        assert_eq!(succeed(&mut mpirun(ranks, &Command::new(REDUCE.path))), right(ranks, 10));
    }
}

#[test]
fn any_length_of_the_rows() {
    for items in [1, 2, 9] {
        assert_eq!(REDUCE.succeeds(&["--ranks", "3", "--items", &items.to_string()]), right(3, items));
    }
    let stdout = REDUCE.succeeds(&["--ranks", "3", "--items", "1000000"]);
    assert!(stdout.contains("\nrank 0 has the sums [0, ..., 5999994] after reduce\n"), "{stdout}");
}

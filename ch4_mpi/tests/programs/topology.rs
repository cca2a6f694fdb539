use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, succeed};

const TOPOLOGY: Program = Program {
    path: env!("CARGO_BIN_EXE_topology"),
    source: "src/bin/topology.rs",
    bad: &[&["--ranks", "0"], &["--ranks", "1025"]],
    // The program has no pauses.
    long: &[],
};

#[test]
fn keeps_its_promises() {
    TOPOLOGY.keeps_its_own_promises();
}

#[test]
fn every_rank_has_a_place_and_four_neighbours() {
    let grids = [(1, 1), (1, 2), (1, 3), (2, 2), (1, 5), (2, 3), (3, 3), (3, 4)];
    for (rows, columns) in grids {
        let ranks = rows * columns;
        let mut right = String::new();
        for rank in 0..ranks {
            let (row, column) = (rank / columns, rank % columns);
            let (up, down) = ((rank + ranks - columns) % ranks, (rank + columns) % ranks);
            let (before, after) = ((column + columns - 1) % columns, (column + 1) % columns);
            let (left, right_of) = (row * columns + before, row * columns + after);
            right += &format!("rank {rank} at [{row}, {column}] of {rows} x {columns}: ");
            right += &format!("up {up}, down {down}, left {left}, right {right_of}\n");
        }
        assert_eq!(succeed(&mut mpirun(ranks, &Command::new(TOPOLOGY.path))), right);
    }
}

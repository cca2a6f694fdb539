use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, succeed};

const GATHER: Program = Program {
    path: env!("CARGO_BIN_EXE_gather"),
    source: "src/bin/gather.rs",
    bad: &[&["--ranks", "0"], &["--ranks", "1025"]],
    // The program has no pauses.
    long: &[],
};

#[test]
fn keeps_its_promises() {
    GATHER.keeps_its_own_promises();
}

#[test]
fn rank_0_has_the_parts_of_all_ranks_in_their_order() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        let squares: Vec<_> = (1..=ranks).map(|number| number * number).collect();
        let mut right = format!("rank 0 gathered the squares {squares:?}\n");
        for (rank, square) in squares.iter().enumerate() {
            let odds: Vec<_> = (0..=rank).map(|index| 2 * index + 1).collect();
            right += &format!("rank 0 gathered {odds:?} from rank {rank}: the sum is {square}\n");
        }
        assert_eq!(succeed(&mut mpirun(ranks, &Command::new(GATHER.path))), right);
    }
}

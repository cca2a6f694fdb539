use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, succeed};

const ALL_TO_ALL: Program = Program {
    path: env!("CARGO_BIN_EXE_all_to_all"),
    source: "src/bin/all_to_all.rs",
    bad: &[&["--ranks", "0"], &["--ranks", "1025"]],
    // The program has no pauses.
    long: &[],
};

#[test]
fn keeps_its_promises() {
    ALL_TO_ALL.keeps_its_own_promises();
}

#[test]
fn every_rank_receives_its_column() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        let mut right = String::new();
        for rank in 0..ranks {
            let row: Vec<_> = (0..ranks).map(|to| (rank + 1) * to).collect();
            let column: Vec<_> = (0..ranks).map(|from| (from + 1) * rank).collect();
            let uneven: Vec<_> = (0..ranks).map(|from| vec![column[from]; (from + 2 * rank + 1) % 3]).collect();
            right += &format!(
                "rank {rank} of {ranks} sent {row:?} and received {column:?}, then in uneven parts {uneven:?}\n"
            );
        }
        assert_eq!(succeed(&mut mpirun(ranks, &Command::new(ALL_TO_ALL.path))), right);
    }
}

use course::testing::contract::Program;

use crate::common::hazard::Hazard;

#[test]
fn a_broadcast_with_different_roots_hangs_and_the_repaired_one_does_not() {
    Hazard {
        program: Program {
            path: env!("CARGO_BIN_EXE_root_mismatch"),
            source: "src/bin/root_mismatch.rs",
            bad: &[&["--repaired", "yes"], &["--ranks", "0"], &["--deadline", "-1"], &["2"]],
            long: &[],
        },
        flags: &[],
        least: 2,
        report,
        prints: |ranks| {
            let sum: usize = (0..ranks).sum();
            let mut lines: Vec<_> =
                (0..ranks).map(|rank| format!("rank {rank} of {ranks}: the sum of the ranks is {sum}")).collect();
            lines.sort();
            lines
        },
    }
    .keeps_its_promises();
}

fn report(hazard: &Hazard, ranks: usize) -> String {
    let place = hazard.at("broadcast_into", 1);
    let root = |rank| if rank == 0 { ranks - 1 } else { 0 };
    let lines: String = (0..ranks)
        .map(|rank| format!("  rank {rank} waits in MPI_Bcast (root {}, 4 B, MPI_COMM_WORLD) at {place}\n", root(rank)))
        .collect();
    format!(
        "deadlock: the job cannot go on; no rank has entered or left a call of MPI for 1 s\n{lines}reason: rank 0 is in MPI_Bcast \
         (root {}, 4 B, MPI_COMM_WORLD), and rank 1 has called MPI_Bcast (root 0) in its place: all ranks of a communicator must \
         call the same collectives in the same order, with the same root\n",
        ranks - 1
    )
}

use course::testing::contract::Program;

use crate::common::hazard::Hazard;

#[test]
fn collectives_in_different_orders_hang_and_those_in_one_order_do_not() {
    Hazard {
        program: Program {
            path: env!("CARGO_BIN_EXE_collective_order"),
            source: "src/bin/collective_order.rs",
            bad: &[&["--repaired", "yes"], &["--ranks", "0"], &["--deadline", "-1"], &["2"]],
            long: &[],
        },
        flags: &[],
        least: 2,
        report,
        prints: |ranks| {
            let mut lines: Vec<_> =
                (0..ranks).map(|rank| format!("rank {rank} of {ranks}: the limit is 1000")).collect();
            lines.sort();
            lines
        },
    }
    .keeps_its_promises();
}

fn report(hazard: &Hazard, ranks: usize) -> String {
    // Each call stands in the repaired form first.
    let (of_rank_0, of_others) = (hazard.at("world.all_reduce_into", 2), hazard.at("broadcast_into", 1));
    let lines: String = (1..ranks)
        .map(|rank| format!("  rank {rank} waits in MPI_Bcast (root 0, 4 B, MPI_COMM_WORLD) at {of_others}\n"))
        .collect();
    format!(
        "deadlock: the job cannot go on; no rank has entered or left a call of MPI for 1 s\n  rank 0 waits in MPI_Allreduce (4 B, \
         MPI_COMM_WORLD) at {of_rank_0}\n{lines}reason: rank 0 is in MPI_Allreduce (4 B, MPI_COMM_WORLD), and rank 1 has called \
         MPI_Bcast (root 0) in its place: all ranks of a communicator must call the same collectives in the same order, with the \
         same root\n"
    )
}

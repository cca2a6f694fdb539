//! The ranks call one broadcast with different roots: no rank sends, and every rank waits.
//!
//! A broadcast copies a value of one rank, the root, to all ranks. No message says which rank is the root: every rank
//! passes the number of the root to the call, and all ranks must pass the same number. A rank that is not the root waits
//! for the value. Here a scan adds up the numbers of the ranks, so that the last rank has the sum over all ranks. Rank 0
//! passes the last rank as the root. The other ranks, and the last rank too, pass rank 0. So no rank is its own root.
//!
//! Run:       cargo run --bin root_mismatch -- --timeline
//!            cargo run --bin root_mismatch -- --ranks 7 --repaired
//! Observe:   without `--repaired` the program ends with status 3. For each rank the report names the root that the
//!            rank has passed, and the line of its call in this file. The reason names two ranks whose roots differ. With
//!            `--repaired` all ranks print the same sum, and the status is 0.
//! MPI:       MPI_Scan, MPI_Bcast
//! Exercise:  let every rank pass its own number as the root. Which error does the program report now? Why does no rank
//!            wait in the broadcast?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::collective::SystemOperation;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// All ranks pass the same root
    #[arg(long)]
    repaired: bool,
}

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let (rank, last) = (world.rank(), world.size() - 1);
        let mut sum = 0;
        world.scan_into(&rank, &mut sum, SystemOperation::sum());

        // The hazard: rank 0 passes the last rank, and the other ranks pass rank 0. The repair: all ranks pass the last rank.
        let root = if args.repaired || rank == 0 { last } else { 0 };
        world.process_at_rank(root).broadcast_into(&mut sum);

        let right = last * (last + 1) / 2;
        ensure!(sum == right, "the sum is {sum} instead of {right}");
        job::print_in_order(world, &format!("rank {rank} of {}: the sum of the ranks is {sum}", world.size()));
        Ok(())
    })
}

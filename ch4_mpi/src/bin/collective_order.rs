//! Two collectives are called in different orders, and each rank waits for a call that comes too late.
//!
//! MPI matches the collectives of a communicator by their order: the first call of one rank belongs to the first call of
//! every other rank, and so on. So all ranks must call the same collectives in the same order. Here rank 0 first counts
//! the ranks by `all_reduce`, which waits for a number from every rank, and then broadcasts a limit. The other ranks
//! first wait for the limit. The case `collective` of the program `deadlock` is different: there each collective has a
//! communicator of its own, and the calls of each communicator are in the right order.
//!
//! Run:       cargo run --bin collective_order -- --timeline
//!            cargo run --bin collective_order -- --ranks 7 --repaired
//! Observe:   without `--repaired` the program ends with status 3. The report names the collective in which each rank
//!            waits and its line in this file. The reason names two ranks whose first collectives differ. With
//!            `--repaired` the status is 0.
//! MPI:       MPI_Allreduce, MPI_Bcast
//! Exercise:  change `rank > 0` to `rank == 0`, so that rank 0 broadcasts first and the other ranks count first. Does the
//!            program still hang? Now change `LENGTH` to 1_000_000. What changes, and why?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::collective::SystemOperation;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// All ranks call the collectives in the same order
    #[arg(long)]
    repaired: bool,
}

/// What rank 0 broadcasts, and how many times it stands in the message.
const LIMIT: i32 = 1000;
const LENGTH: usize = 1;

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let rank = world.rank();
        let mut limits = vec![if rank == 0 { LIMIT } else { 0 }; LENGTH];
        let mut ranks = 0;

        // The hazard: rank 0 counts before it broadcasts. The repair: all ranks broadcast first.
        if args.repaired || rank > 0 {
            world.process_at_rank(0).broadcast_into(&mut limits[..]);
            world.all_reduce_into(&1, &mut ranks, SystemOperation::sum());
        } else {
            world.all_reduce_into(&1, &mut ranks, SystemOperation::sum());
            world.process_at_rank(0).broadcast_into(&mut limits[..]);
        }

        ensure!(ranks == world.size(), "{ranks} ranks are counted instead of {}", world.size());
        ensure!(limits == [LIMIT; LENGTH], "the limit is {} instead of {LIMIT}", limits[0]);
        job::print_in_order(world, &format!("rank {rank} of {ranks}: the limit is {LIMIT}"));
        Ok(())
    })
}

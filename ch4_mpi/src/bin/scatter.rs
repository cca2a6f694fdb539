//! Rank 0 scatters a row of numbers over all ranks, in parts of different lengths.
//!
//! A rank is one process of an MPI program. A scatter gives each rank its own part of the data of one rank, the root.
//! `scatter_varcount` takes a length and a start for each part, so any number of ranks can share any number of items. After
//! a barrier every rank knows that all ranks have reached it. At the end the ranks add up all items that they have
//! received: the sum shows that no item is missing.
//!
//! Run:       cargo run --bin scatter -- --timeline
//!            scripts/mpirun -n 10 target/debug/scatter
//! Observe:   each rank prints its own part. The lines may come in any order, since each rank prints when it leaves the
//!            barrier. In the SVG (`--svg FILE`) no rank leaves the barrier before the last rank has reached it.
//! MPI:       MPI_Scatterv, MPI_Barrier, MPI_Allreduce
//! Python:    the original needs exactly 10 ranks. With fewer, rank 0 raises an error and the other ranks wait for
//!            ever.
//! Exercise:  give the part of rank 0 to rank 1 (the program then needs at least 2 ranks): make `lengths` mutable and
//!            write `lengths[1] += lengths[0];` and `lengths[0] = 0;` before `starts` is computed. Which printed lines
//!            change? Must rank 0 still call scatter?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{lesson, parts};
use mpi::Count;
use mpi::collective::SystemOperation;
use mpi::datatype::Partition;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Numbers to scatter: 1, 2, ..., N
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(Count).range(0..=1_000_000))]
    items: Count,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank() as usize, world.size() as usize);
        let root = world.process_at_rank(0);
        let lengths = parts::lengths(args.items, ranks);
        let starts = parts::starts(&lengths);

        // A scatter writes into a buffer that exists, so every rank must know the length of its part.
        let mut part = vec![0; lengths[rank] as usize];
        if rank == 0 {
            let items: Vec<u64> = (1..=args.items as u64).collect();
            let parts = Partition::new(&items[..], lengths, &starts[..]);
            root.scatter_varcount_into_root(&parts, &mut part[..]);
        } else {
            root.scatter_varcount_into(&mut part[..]);
        }
        world.barrier();
        let shown = format!("{} items: {}", part.len(), parts::shown(&part));
        println!("rank {rank} of {ranks} has {shown}");

        let right = (starts[rank] as u64 + 1..).take(part.len());
        ensure!(part.iter().copied().eq(right), "wrong items for this rank: {shown}");
        let (own, mut all) = (part.iter().sum::<u64>(), 0);
        world.all_reduce_into(&own, &mut all, SystemOperation::sum());
        let n = args.items as u64;
        ensure!(all == n * (n + 1) / 2, "some item did not arrive exactly once: the sum is {all}");
        Ok(())
    })
}

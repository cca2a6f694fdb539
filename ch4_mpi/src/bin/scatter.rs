//! Rank 0 scatters a row of numbers over all ranks, in parts of different lengths.
//!
//! A rank is one process of an MPI program. A scatter gives each rank its own part of the data of one rank, the
//! root. After a barrier every rank knows that all ranks have reached it. `scatter_varcount` takes a length and a start for each part, so any number of
//! ranks can share any number of items.
//!
//! Run:       cargo run --bin scatter -- --timeline
//!            scripts/mpirun -n 10 target/debug/scatter
//! Observe:   each rank prints its own part, and the lines come in any order, since each rank prints when it leaves the
//!            barrier. In the SVG (`--svg FILE`) no rank leaves the barrier before the last rank has reached it.
//! MPI:       MPI_Scatterv, MPI_Barrier, MPI_Allreduce
//! Python:    the original needs exactly 10 ranks. With fewer, rank 0 raises an error and the other ranks wait for
//!            ever.
//! Exercise:  let `start` return 0 for rank 1 too, and do not change the other starts: the part of rank 0 is then empty.
//!            Which printed lines change? Must rank 0 still call scatter?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::lesson;
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
        let starts: Vec<Count> = (0..=ranks).map(|rank| start(rank, ranks, args.items)).collect();
        let lengths: Vec<Count> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();

        // A scatter writes into a buffer that exists, so every rank must know the length of its part.
        let mut part = vec![0; lengths[rank] as usize];
        if rank == 0 {
            let items: Vec<u64> = (1..=args.items as u64).collect();
            let parts = Partition::new(&items[..], lengths, &starts[..ranks]);
            root.scatter_varcount_into_root(&parts, &mut part[..]);
        } else {
            root.scatter_varcount_into(&mut part[..]);
        }
        world.barrier();
        println!("rank {rank} of {ranks} has {}", shown(&part));

        let right = starts[rank] as u64 + 1..=starts[rank + 1] as u64;
        ensure!(part.iter().copied().eq(right), "wrong items for this rank: {}", shown(&part));
        let (own, mut all) = (part.iter().sum::<u64>(), 0);
        world.all_reduce_into(&own, &mut all, SystemOperation::sum());
        let n = args.items as u64;
        ensure!(all == n * (n + 1) / 2, "some item did not arrive exactly once: the sum is {all}");
        Ok(())
    })
}

/// The index at which the part of a rank starts. The parts follow the order of the ranks; their lengths differ by at most one.
fn start(rank: usize, ranks: usize, items: Count) -> Count {
    (rank * items as usize / ranks) as Count
}

fn shown(part: &[u64]) -> String {
    match part {
        [first, .., last] if part.len() > 10 => format!("{} items: [{first}, ..., {last}]", part.len()),
        _ => format!("{} items: {part:?}", part.len()),
    }
}

//! Rank 0 broadcasts one number to all ranks, and scatters a row of numbers in parts.
//!
//! A broadcast and a scatter are collective calls: every rank makes the same call. A broadcast gives the data of one
//! rank, the root, to all ranks. A scatter gives each rank its own part of the data of the root. Here each rank needs both:
//! it multiplies its part by the number. MPI may pass the data of a broadcast on from rank to rank, in the form of a tree,
//! so a broadcast to many ranks takes fewer steps than a send to each of them.
//!
//! Run:       cargo run --bin broadcast -- --timeline
//!            scripts/mpirun -n 10 target/debug/broadcast
//! Observe:   each rank prints the same factor, its own part, and the products. Every rank has read the flags, but only
//!            rank 0 uses `--factor`; the other ranks use it only to check what they have received.
//! MPI:       MPI_Bcast, MPI_Scatterv
//! Python:    the original needs exactly 10 ranks. With another number rank 0 raises an error and the other ranks wait
//!            for ever.
//! Exercise:  replace the broadcast by point-to-point messages: rank 0 sends the factor to each other rank in a loop,
//!            and the other ranks receive it. With 12 ranks, how many messages does rank 0 send, one after the other?
//!            Now suppose that in each step every rank that has the factor sends it to one rank that does not have it.
//!            After how many steps do all 12 ranks have the factor?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson, parts};
use mpi::Count;
use mpi::datatype::Partition;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// The number that rank 0 broadcasts
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    factor: u64,
    /// Numbers to scatter: 1, 2, ..., N
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(Count).range(0..=1_000_000))]
    items: Count,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank() as usize, world.size() as usize);
        let root = world.process_at_rank(0);

        // All ranks make the same call. It reads the variable of rank 0 and writes the variable of the other ranks.
        let mut factor = if rank == 0 { args.factor } else { 0 };
        root.broadcast_into(&mut factor);

        let lengths = parts::lengths(args.items, ranks);
        let starts = parts::starts(&lengths);
        let mut part = vec![0; lengths[rank] as usize];
        if rank == 0 {
            let items: Vec<u64> = (1..=args.items as u64).collect();
            root.scatter_varcount_into_root(&Partition::new(&items[..], lengths, &starts[..]), &mut part[..]);
        } else {
            root.scatter_varcount_into(&mut part[..]);
        }

        let products: Vec<u64> = part.iter().map(|item| factor * item).collect();
        let (items, shown) = (parts::shown(&part), parts::shown(&products));
        job::print_in_order(world, &format!("rank {rank} of {ranks}: {factor} * {items} = {shown}"));
        let right = (starts[rank] as u64 + 1..).take(part.len()).map(|item| args.factor * item);
        ensure!(products.iter().copied().eq(right), "wrong factor or wrong items for this rank: {factor} * {items}");
        Ok(())
    })
}

//! The ranks add their rows of numbers, element by element, into one row.
//!
//! A reduction combines the data of all ranks by an operation: sum, product, minimum, maximum. `reduce` gives the
//! result to one rank, and `all_reduce` gives it to all ranks. The operation must be associative, so that MPI can
//! combine partial results in any grouping. No rank needs to hold the rows of all ranks.
//!
//! Run:       cargo run --bin reduce -- --timeline
//!            scripts/mpirun -n 10 target/debug/reduce
//! Observe:   rank r contributes (r+1)*0, (r+1)*1, (r+1)*2, ... Only rank 0 has the sums after `reduce`; after
//!            `all_reduce` every rank has them, and the maxima as well.
//! MPI:       MPI_Reduce, MPI_Allreduce
//! Python:    the original uses `numpy.int`, which no longer exists, so it ends with an error.
//! Exercise:  replace the first `all_reduce_into` by `scan_into`, which gives rank r the sums over the ranks 0 to r. The
//!            check "wrong sums after all_reduce" now fails. Which rank still has the same sums as before? Change this
//!            check, so that it holds for every rank.

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson, parts};
use mpi::collective::SystemOperation;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Length of the row of each rank
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    items: u64,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank() as u64, world.size() as u64);
        let root = world.process_at_rank(0);
        let row = multiples(rank + 1, args.items);
        job::print_in_order(world, &format!("rank {rank} of {ranks} contributes {}", parts::shown(&row)));

        let right = multiples(ranks * (ranks + 1) / 2, args.items);
        if rank == 0 {
            let mut sums = vec![0; row.len()];
            root.reduce_into_root(&row[..], &mut sums[..], SystemOperation::sum());
            println!("rank 0 has the sums {} after reduce", parts::shown(&sums));
            ensure!(sums == right, "wrong sums after reduce: {}", parts::shown(&sums));
        } else {
            // This rank has no receive buffer, because it does not get the result.
            root.reduce_into(&row[..], SystemOperation::sum());
        }

        let (mut sums, mut maxima) = (vec![0; row.len()], vec![0; row.len()]);
        world.all_reduce_into(&row[..], &mut sums[..], SystemOperation::sum());
        world.all_reduce_into(&row[..], &mut maxima[..], SystemOperation::max());
        let result = format!("the sums {} and the maxima {}", parts::shown(&sums), parts::shown(&maxima));
        job::print_in_order(world, &format!("rank {rank} has {result} after all_reduce"));
        ensure!(sums == right, "wrong sums after all_reduce: {}", parts::shown(&sums));
        ensure!(maxima == multiples(ranks, args.items), "wrong maxima after all_reduce: {}", parts::shown(&maxima));
        Ok(())
    })
}

/// 0, `factor`, 2 * `factor`, ...
fn multiples(factor: u64, items: u64) -> Vec<u64> {
    (0..items).map(|item| factor * item).collect()
}

//! Rank 0 gathers what all ranks have computed.
//!
//! A gather is the opposite of a scatter: each rank contributes a part, and rank 0 then has all parts in one row, in
//! the order of the ranks. `gather` needs parts of the same length. `gather_varcount` takes a length and a start for
//! each part. Rank 0 does not know how many numbers each rank contributes, so it gathers the lengths before the parts.
//!
//! Run:       cargo run --bin gather -- --timeline
//!            scripts/mpirun -n 10 target/debug/gather
//! Observe:   rank 0 prints the squares of all ranks in the order of the ranks. Then it prints the uneven parts: rank r
//!            contributes the first r+1 odd numbers, and their sum is the square of r+1.
//! MPI:       MPI_Gather, MPI_Gatherv
//! Exercise:  use `world.all_gather_into` and `world.all_gather_varcount_into`, which give the result to all ranks.
//!            Which lines of the code are no longer needed, and how many times is each result printed now?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{lesson, parts};
use mpi::Count;
use mpi::datatype::PartitionMut;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {}

fn main() -> ExitCode {
    lesson::run!(|_args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank() as u64, world.size() as usize);
        let root = world.process_at_rank(0);
        let square = (rank + 1) * (rank + 1);
        let odds: Vec<u64> = (0..=rank).map(|index| 2 * index + 1).collect();
        let length = odds.len() as Count;

        // Only rank 0 has buffers to gather into.
        if rank > 0 {
            root.gather_into(&square);
            root.gather_into(&length);
            root.gather_varcount_into(&odds[..]);
            return Ok(());
        }

        let mut squares = vec![0; ranks];
        root.gather_into_root(&square, &mut squares[..]);
        println!("rank {rank} gathered the squares {squares:?}");

        let mut lengths = vec![0; ranks];
        root.gather_into_root(&length, &mut lengths[..]);
        let starts = parts::starts(&lengths);
        let mut all = vec![0; lengths.iter().sum::<Count>() as usize];
        root.gather_varcount_into_root(&odds[..], &mut PartitionMut::new(&mut all[..], &lengths[..], &starts[..]));

        let mut rest = &all[..];
        for (from, (&length, &square)) in lengths.iter().zip(&squares).enumerate() {
            let (part, behind) = rest.split_at(length as usize);
            rest = behind;
            println!("rank {rank} gathered {part:?} from rank {from}: the sum is {}", part.iter().sum::<u64>());
            let expected = (from as u64 + 1) * (from as u64 + 1);
            ensure!(square == expected, "the square from rank {from} is {square} instead of {expected}");
            ensure!(part.len() == from + 1, "rank {from} contributed {} numbers instead of {}", part.len(), from + 1);
            let are_odds = part.iter().zip(0..).all(|(&number, index)| number == 2 * index + 1);
            ensure!(are_odds, "rank {from} contributed {part:?} instead of odd numbers");
        }
        Ok(())
    })
}

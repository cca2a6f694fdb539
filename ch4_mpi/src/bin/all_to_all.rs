//! Every rank sends a different part of its row to every rank.
//!
//! In an all-to-all each rank has one part for each rank. If the row of rank r is row r of a table, rank j has column j
//! of this table afterwards: the table is transposed. If the parts differ in length, each receiver must know how many
//! items each rank sends to it. So the ranks exchange the lengths by an all-to-all first.
//!
//! Run:       cargo run --bin all_to_all -- --timeline
//!            scripts/mpirun -n 9 target/debug/all_to_all
//! Observe:   rank r sends (r+1)*0 to rank 0, (r+1)*1 to rank 1, and so on, so rank j receives the multiples of j. In
//!            the second exchange a rank sends 0, 1 or 2 copies of each product, so some parts are empty.
//! MPI:       MPI_Alltoall, MPI_Alltoallv
//! Exercise:  after the first exchange, write `let mut again = vec![0_u64; ranks];`, call `world.all_to_all_into` with
//!            `column` as the send buffer and `again` as the receive buffer, and print `rank` and `again`. Which row does
//!            each rank print, and why?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson, parts};
use mpi::Count;
use mpi::datatype::{Partition, PartitionMut};
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {}

fn main() -> ExitCode {
    lesson::run!(|_args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank() as usize, world.size() as usize);

        let row: Vec<u64> = (0..ranks).map(|to| product(rank, to)).collect();
        let mut column = vec![0; ranks];
        world.all_to_all_into(&row[..], &mut column[..]);

        let lengths: Vec<Count> = (0..ranks).map(|to| copies(rank, to)).collect();
        let parts: Vec<u64> = (0..ranks).flat_map(|to| vec![product(rank, to); copies(rank, to) as usize]).collect();
        let mut lengths_in = vec![0; ranks];
        world.all_to_all_into(&lengths[..], &mut lengths_in[..]);

        let (starts, starts_in) = (parts::starts(&lengths), parts::starts(&lengths_in));
        let mut parts_in = vec![0; lengths_in.iter().sum::<Count>() as usize];
        world.all_to_all_varcount_into(
            &Partition::new(&parts[..], lengths, starts),
            &mut PartitionMut::new(&mut parts_in[..], &lengths_in[..], &starts_in[..]),
        );

        let uneven: Vec<&[u64]> =
            starts_in.iter().zip(&lengths_in).map(|(&at, &len)| &parts_in[at as usize..(at + len) as usize]).collect();
        let text =
            format!("rank {rank} of {ranks} sent {row:?} and received {column:?}, then in uneven parts {uneven:?}");
        job::print_in_order(world, &text);
        for from in 0..ranks {
            let right = product(from, rank);
            ensure!(column[from] == right, "rank {from} sent {} to rank {rank} instead of {right}", column[from]);
            let right = vec![right; copies(from, rank) as usize];
            ensure!(uneven[from] == right, "rank {from} sent {:?} to rank {rank} instead of {right:?}", uneven[from]);
        }
        Ok(())
    })
}

/// What rank `from` sends to rank `to`.
fn product(from: usize, to: usize) -> u64 {
    (from as u64 + 1) * to as u64
}

/// How many times rank `from` sends the product to rank `to` in the uneven exchange: 0, 1 or 2 times.
fn copies(from: usize, to: usize) -> Count {
    ((from + 2 * to + 1) % 3) as Count
}

//! The ranks form a grid without borders, and each rank exchanges messages with its four neighbours.
//!
//! In many programs each rank computes one rectangle of a grid and needs data from the rectangles beside it. A
//! Cartesian communicator gives each rank coordinates in a grid of ranks, and `shift` says which ranks are its
//! neighbours. In a periodic grid the last rank of a row or column is the neighbour of the first one, so every rank has a
//! neighbour on each of its four sides. In a small grid the neighbours on two sides may be the same rank. In a grid with
//! one row each rank is its own neighbour above and below.
//!
//! Run:       cargo run --bin topology -- --timeline
//!            scripts/mpirun -n 12 target/debug/topology
//! Observe:   each rank prints its row, its column and its neighbours. Every rank has a place in the grid: 12 ranks
//!            form 3 rows of 4, and 5 ranks form 1 row of 5.
//! MPI:       MPI_Cart_create, MPI_Cart_coords, MPI_Cart_shift, MPI_Sendrecv
//! Python:    the original computes a grid that may have fewer places than there are ranks. A rank without a place ends
//!            with an error.
//! Exercise:  `grid.subgroup(&[false, true])` gives each rank a communicator of the ranks in its row. Let `row` be
//!            this communicator, and add up `grid.rank()` with `row.all_reduce_into`. Which of 12 ranks print the same
//!            sum?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::{Context, ensure};
use ch4_mpi::{job, lesson};
use mpi::point_to_point::send_receive_into;
use mpi::topology::CartesianCommunicator;
use mpi::traits::*;
use mpi::{Count, Rank};

#[derive(clap::Parser)]
struct Args {}

fn main() -> ExitCode {
    lesson::run!(|_args: Args, _lesson, world| {
        let dims @ [rows, columns] = job::grid(world.size());
        // `false`: each rank keeps its number, also where another order would bring neighbours closer together.
        let grid = world.create_cartesian_communicator(&dims, &[true, true], false).context("the grid is too small")?;
        let rank = grid.rank();
        let place = grid.rank_to_coordinates(rank);
        let (up, down) = neighbours(&grid, 0)?;
        let (left, right) = neighbours(&grid, 1)?;
        let beside = format!("up {up}, down {down}, left {left}, right {right}");
        job::print_in_order(world, &format!("rank {rank} at {place:?} of {rows} x {columns}: {beside}"));

        // What a rank sends to one side arrives from the other side, even if both neighbours are the rank itself.
        let (row, column) = (place[0], place[1]);
        for (to, from, place_of_from) in [
            (right, left, [row, (column + columns - 1) % columns]),
            (left, right, [row, (column + 1) % columns]),
            (down, up, [(row + rows - 1) % rows, column]),
            (up, down, [(row + 1) % rows, column]),
        ] {
            let mut received = [-1; 2];
            send_receive_into(&place[..], &grid.process_at_rank(to), &mut received, &grid.process_at_rank(from));
            ensure!(received == place_of_from, "rank {from} sent {received:?}, and its place is {place_of_from:?}");
        }
        Ok(())
    })
}

/// The ranks before and after this rank in a dimension of the grid.
fn neighbours(grid: &CartesianCommunicator, dimension: Count) -> anyhow::Result<(Rank, Rank)> {
    let (before, after) = grid.shift(dimension, 1);
    before.zip(after).context("a rank at a border has no neighbour: is the grid periodic?")
}

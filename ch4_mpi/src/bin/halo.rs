//! Ranks share a grid, and each rank computes the interior of its block while the edges travel to its neighbours.
//!
//! In each iteration a cell becomes the mean of its four neighbour cells: Jacobi's method for the heat equation. The grid
//! is cut into rectangles, the blocks, and each rank has one block. The cells at the four edges of a block are its border,
//! and all other cells are its interior. A cell of the border needs cells of a neighbour's block. So around its block a
//! rank keeps copies of the edges of the neighbours' blocks: the halo. The interior needs no halo. So a rank can start
//! its messages, compute the interior, wait for the messages and then compute the border.
//!
//! Run:       cargo run --bin halo -- --iterations 3 --timeline
//!            scripts/mpirun -n 6 target/debug/halo --size 1000 --iterations 200
//! Observe:   the program prints the time of an iteration when it exchanges first, when it overlaps, and when one rank
//!            computes alone. Overlap can hide the time of the messages, but on one machine this time is short, and the
//!            difference may be small. A checksum of the bits of all cells is the same for all three grids. In the
//!            picture each rank waits for its messages in MPI_Waitall; at the end rank 0 alone makes the serial run.
//! MPI:       MPI_Cart_create, MPI_Cart_coords, MPI_Cart_shift, MPI_Irecv, MPI_Isend, MPI_Waitall, MPI_Allreduce, MPI_Wtime
//! Exercise:  in `iterate`, with overlap, compute the border before `wait_all` and not after it: write
//!            `new.relax_border(old)` after `new.relax_interior(old)` in the block of `if overlap`, and move the last line
//!            into the block of `if !overlap`. Run the program without flags. Which check fails? With which number of
//!            ranks does no check fail, and why?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::mem::swap;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use ch4_mpi::block::Block;
use ch4_mpi::{job, lesson};
use mpi::collective::SystemOperation;
use mpi::request::multiple_scope;
use mpi::topology::Process;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Rows and columns of the grid
    #[arg(long, default_value_t = 512, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    size: u32,
    /// Iterations of each way
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    iterations: u32,
}

type Neighbours<'a> = [Option<Process<'a>>; 4];

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let (size, dims @ [_, columns]) = (args.size as usize, job::grid(world.size()));
        if size < columns as usize {
            let why = format!("the size: {} ranks need at least {columns} rows and columns", world.size());
            return Err(job::Refused::because(why));
        }
        let grid = world
            .create_cartesian_communicator(&dims, &[false, false], false)
            .context("this rank is not in the grid")?;
        let ((up, down), (left, right)) = (grid.shift(0, 1), grid.shift(1, 1));
        let neighbours = [up, down, left, right].map(|rank| Some(grid.process_at_rank(rank?)));

        let mut sums = Vec::new();
        for (way, overlap) in [("exchange first", false), ("overlap", true)] {
            let block = Block::new(size, dims, &grid.rank_to_coordinates(grid.rank()));
            let (own_sum, seconds) = solve(block, args.iterations, |old, new| iterate(old, new, &neighbours, overlap));
            let (mut sum, mut slowest) = (0, 0.0);
            grid.all_reduce_into(&own_sum, &mut sum, SystemOperation::sum());
            grid.all_reduce_into(&seconds, &mut slowest, SystemOperation::max());
            sums.push(sum);
            if grid.rank() == 0 {
                println!("{way:<15} {:>9.3} ms an iteration", slowest * 1e3);
            }
        }
        if grid.rank() == 0 {
            let whole = Block::new(size, [1, 1], &[0, 0]);
            let (sum, seconds) = solve(whole, args.iterations, |old, new| new.relax_all(old));
            println!("serial          {:>9.3} ms an iteration", seconds * 1e3);
            ensure!(sums == [sum; 2], "the grids differ from the grid of a serial run");
            println!("both grids equal the grid of the serial run");
        }
        Ok(())
    })
}

/// Returns a checksum of the bits of all cells, and the seconds of an iteration.
fn solve(mut old: Block, iterations: u32, iterate: impl Fn(&mut Block, &mut Block)) -> (u64, f64) {
    let mut new = old.clone();
    let begin = mpi::time();
    for _ in 0..iterations {
        iterate(&mut old, &mut new);
        swap(&mut old, &mut new);
    }
    (old.sum_of_bits(), (mpi::time() - begin) / f64::from(iterations))
}

fn iterate(old: &mut Block, new: &mut Block, neighbours: &Neighbours<'_>, overlap: bool) {
    // The cells of a column are apart in memory, so the edges are copied into buffers.
    let edges = old.edges();
    // Only the lengths matter: the receives overwrite the values.
    let mut halos = edges.clone();
    multiple_scope(8, |scope, requests| {
        for ((neighbour, edge), halo) in neighbours.iter().zip(&edges).zip(&mut halos) {
            let Some(neighbour) = neighbour else { continue };
            requests.add(neighbour.immediate_receive_into(scope, &mut halo[..]));
            requests.add(neighbour.immediate_send(scope, &edge[..]));
        }
        if overlap {
            // MPI may transfer the messages during this computation.
            new.relax_interior(old);
        }
        requests.wait_all(&mut Vec::new());
    });
    for (side, (neighbour, halo)) in neighbours.iter().zip(&halos).enumerate() {
        // The frame is the row of cells around the block. A side without a neighbour keeps its fixed values.
        if neighbour.is_some() {
            old.set_halo(side, halo);
        }
    }
    if !overlap {
        new.relax_interior(old);
    }
    new.relax_border(old);
}

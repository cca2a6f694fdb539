//! Every rank of a job runs the same program and says hello.
//!
//! A launcher starts the same program several times. MPI gives each of these processes a number, its rank, and tells it
//! how many ranks there are. Each process uses its rank to decide which part of the work is its own. The ranks may run
//! on different hosts. A communicator is a group of ranks that exchange messages;
//! `world`, in MPI's words MPI_COMM_WORLD, contains all ranks.
//!
//! Run:       cargo run --bin hello -- --timeline
//!            scripts/mpirun -n 10 target/debug/hello
//! Observe:   one line for each rank, in the order of the ranks: rank 0 gathers the texts and prints them. On one
//!            machine all ranks name the same host. All ranks use the same MPI library.
//! MPI:       MPI_Comm_rank, MPI_Comm_size, MPI_Get_processor_name, MPI_Get_version, MPI_Get_library_version, MPI_Bcast
//! Python:    every rank prints by itself, so the lines may come in any order.
//! Exercise:  replace `job::print_in_order(world, &hello)` by `println!("{hello}")` and run the program ten times
//!            with `--ranks 10`. In how many runs do the lines come in the order of the ranks?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::environment::{library_version, processor_name, version};
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {}

fn main() -> ExitCode {
    lesson::run!(|_args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank(), world.size());
        let (host, cores) = (processor_name()?, available_parallelism()?);
        let ((major, minor), library) = (version(), library_version()?);
        let name = short(&library);
        let hello = format!("rank {rank} of {ranks} on {host} ({cores} cores): hello from MPI {major}.{minor}, {name}");
        job::print_in_order(world, &hello);

        // A broadcast writes into a buffer that exists, so rank 0 sends the length of its text first.
        let root = world.process_at_rank(0);
        let mut of_root = if rank == 0 { library.clone().into_bytes() } else { Vec::new() };
        let mut length = of_root.len();
        root.broadcast_into(&mut length);
        of_root.resize(length, 0);
        root.broadcast_into(&mut of_root[..]);
        ensure!(of_root == library.as_bytes(), "rank {rank} on {host} uses another MPI library than rank 0: {library}");
        Ok(())
    })
}

/// The name and the version of the library, without the details of how it was built.
fn short(library: &str) -> String {
    let first = library.split([',', '\n', '\0']).next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

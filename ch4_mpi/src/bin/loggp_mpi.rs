//! Measures what the program `forecast` needs to know about a cluster: the parameters of the LogGP model and the rates of the ranks.
//!
//! The program `forecast` starts this program. The parameters are measured between two ranks of one node, and between two ranks of
//! different nodes if the job has them. The rate of a kernel is measured while all ranks of the job compute, because the ranks of
//! a node share its memory. Every message is checked. Rank 0 prints one line of JSON; all its times are in seconds.
//!
//! Run:       cargo run --release --bin loggp_mpi -- --ranks 2

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::collections::BTreeMap;
use std::process::ExitCode;

use ch1_parallel::kernels::Kernel;
use ch4_mpi::lesson;
use ch4_mpi::loggp::{self, Neighbours};
use mpi::environment::library_version;
use mpi::traits::*;
use serde_json::json;

#[derive(clap::Parser)]
struct Args {
    /// Measures the rate of this kernel only: stencil, transpose or count; default: all three
    #[arg(long, value_name = "K", value_parser = modelled)]
    kernel: Option<Kernel>,
    /// Measures messages only, and no rates
    #[arg(long, conflicts_with = "kernel")]
    messages: bool,
}

const KERNELS: [Kernel; 3] = [Kernel::Stencil, Kernel::Transpose, Kernel::Count];

fn modelled(name: &str) -> Result<Kernel, String> {
    KERNELS
        .into_iter()
        .find(|kernel| kernel.name() == name)
        .ok_or_else(|| "it is not stencil, transpose or count".into())
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let nodes = loggp::nodes(world);
        let neighbours = Neighbours::of(world);
        let node = loggp::link_of_node(world, &neighbours)?;
        let network = loggp::link_of_network(world, &nodes, neighbours.of_a_core)?;
        let (barrier, all_reduce) = loggp::collectives(world);
        let mut rates = BTreeMap::new();
        for kernel in
            KERNELS.into_iter().filter(|&kernel| !args.messages && args.kernel.is_none_or(|only| only == kernel))
        {
            rates.insert(kernel.name(), loggp::rates(world, &neighbours, kernel)?);
        }
        if world.rank() == 0 {
            let library = library_version().unwrap_or_default();
            let library = library.split([',', '\n']).next().unwrap_or_default().trim();
            println!(
                "{}",
                json!({
                    "nodes": nodes, "library": library, "node": node, "network": network,
                    "ranks_of_a_core": neighbours.of_a_core, "barrier": barrier, "all_reduce": all_reduce, "rates": rates,
                })
            );
        }
        Ok(())
    })
}

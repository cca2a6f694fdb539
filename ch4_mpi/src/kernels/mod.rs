//! The kernels under the strategy `mpi`: ranks that exchange messages.
//!
//! No rank sees another's memory: each holds its own part of the problem and gets by message what else it needs.

pub mod count;
pub mod stencil;

use anyhow::ensure;
use ch1_parallel::kernels::{Kernel, Measured, Problem};
use mpi::collective::SystemOperation;
use mpi::traits::*;

/// Solves the problem with the ranks of `world`. Every rank gets the same result.
///
/// # Errors
/// The world has another number of ranks than the problem has workers.
pub fn solve(kernel: Kernel, problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Count => count::mpi(problem, world),
        Kernel::Stencil => stencil::mpi(problem, world),
    }
}

fn check_world(problem: &Problem, world: &impl Communicator) -> anyhow::Result<()> {
    let (workers, ranks) = (problem.workers, world.size());
    ensure!(i32::try_from(workers) == Ok(ranks), "the problem is for {workers} workers, but there are {ranks} ranks");
    Ok(())
}

/// The seconds of each iteration as the slowest rank saw it.
fn slowest(world: &impl Communicator, seconds: &[f64]) -> Vec<f64> {
    let mut slowest = vec![0.0; seconds.len()];
    world.all_reduce_into(seconds, &mut slowest[..], SystemOperation::max());
    slowest
}

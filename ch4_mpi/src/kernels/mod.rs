//! The kernels under the strategy `mpi`: ranks that exchange messages.
//!
//! No rank sees the memory of another rank. Each rank holds its own part of the problem and receives all other data as
//! messages.

pub mod count;
pub mod do_something;
pub mod grain;
pub mod nstream;
pub mod pipeline;
pub mod stencil;
pub mod transpose;

use anyhow::{bail, ensure};
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};
use mpi::collective::SystemOperation;
use mpi::traits::*;

/// Solves the problem with the ranks of `world`. Every rank returns the same result.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, or the data does not fit in the memory.
pub fn solve(kernel: Kernel, problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Nstream => nstream::mpi(problem, world),
        Kernel::Transpose => transpose::mpi(problem, world),
        Kernel::Pipeline => pipeline::mpi(problem, world),
        Kernel::DoSomething => do_something::mpi(problem, world),
        Kernel::Count => count::mpi(problem, world),
        Kernel::Stencil => stencil::mpi(problem, world),
        Kernel::Grain => grain::mpi(problem, world),
        Kernel::Waiting => bail!("{}", kernel.no_pair(Strategy::Mpi)),
    }
}

fn check_world(problem: &Problem, world: &impl Communicator) -> anyhow::Result<()> {
    let (workers, ranks) = (problem.workers, world.size());
    ensure!(i32::try_from(workers) == Ok(ranks), "the problem is for {workers} workers, but there are {ranks} ranks");
    Ok(())
}

/// The seconds of each iteration, as measured by the slowest rank.
///
/// A rank that begins an iteration later than the others may end it at the same moment as they do. In the next iteration it is
/// then the other way round: on a slow network, short and long ones take turns. So a rank counts the mean of two iterations.
fn slowest(world: &impl Communicator, seconds: &[f64]) -> Vec<f64> {
    let last = seconds.len().saturating_sub(1);
    let begin_of_pair = |index: usize| index.min(last.saturating_sub(1));
    let mean = |index: usize| (seconds[begin_of_pair(index)] + seconds[last.min(begin_of_pair(index) + 1)]) / 2.0;
    let own: Vec<_> = (0..seconds.len()).map(mean).collect();
    let mut slowest = vec![0.0; own.len()];
    world.all_reduce_into(&own[..], &mut slowest[..], SystemOperation::max());
    slowest
}

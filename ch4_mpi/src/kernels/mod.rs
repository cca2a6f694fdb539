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
fn slowest(world: &impl Communicator, seconds: &[f64]) -> Vec<f64> {
    let own = means_of_two(seconds);
    let mut slowest = vec![0.0; own.len()];
    world.all_reduce_into(&own[..], &mut slowest[..], SystemOperation::max());
    slowest
}

/// For each iteration, the mean of its seconds and of those of the iteration beside it.
///
/// On a slow network a rank may begin an iteration later than another rank and end it earlier. In the next iteration it is the
/// other way round, so that in each iteration some rank seems to be slow. The mean of two iterations does not have this error.
fn means_of_two(seconds: &[f64]) -> Vec<f64> {
    let mut means: Vec<_> = seconds.windows(2).map(|two| (two[0] + two[1]) / 2.0).collect();
    // As many as iterations: the last one has none after it.
    means.extend(means.last().or(seconds.last()).copied());
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_iterations_in_turn_have_the_mean() {
        assert_eq!(means_of_two(&[1.0, 3.0, 1.0, 3.0]), [2.0; 4]);
        assert_eq!(means_of_two(&[4.0]), [4.0]);
        assert!(means_of_two(&[]).is_empty());
    }
}

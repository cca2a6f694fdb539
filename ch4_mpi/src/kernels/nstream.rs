//! `nstream` by ranks: each rank holds its part of the vectors. The only message is the barrier that ends an iteration.

use ch1_parallel::kernels::nstream::{Vectors, check, part};
use ch1_parallel::kernels::{Measured, Problem, laps};
use mpi::collective::SystemOperation;
use mpi::traits::*;

use super::{check_world, slowest};

/// Each rank computes its part.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, or the vectors do not fit in the memory.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let rank = usize::try_from(world.rank())?;
    let mut vectors = Vectors::new(part(problem.size, problem.workers, rank).len())?;
    let seconds = laps(problem.iterations, || {
        vectors.iterate();
        world.barrier();
    });
    let mut right = 0;
    world.all_reduce_into(&vectors.right(problem.iterations + 1), &mut right, SystemOperation::sum());
    Ok(Measured { seconds: slowest(world, &seconds), wrong: check(problem.size, right) })
}

//! `count` by ranks: each rank does its share of the tasks, and a sum over all ranks ends the iteration.

use std::hint::black_box;

use ch1_parallel::kernels::count::{solve, task};
use ch1_parallel::kernels::{Measured, Problem};
use mpi::collective::SystemOperation;
use mpi::traits::*;

use super::{check_world, slowest};

/// All tasks take the same time, so each rank has a fixed share, which needs no messages.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let (rank, ranks) = (usize::try_from(world.rank())?, problem.workers);
    let share = rank * problem.size / ranks..(rank + 1) * problem.size / ranks;

    let mut measured = solve(problem, || {
        let own: u64 = share.clone().map(|_| task(black_box(problem.grain))).sum();
        let mut sum = 0;
        // No rank has the sum before all ranks have done their share, so this is also the barrier.
        world.all_reduce_into(&own, &mut sum, SystemOperation::sum());
        sum
    });
    measured.seconds = slowest(world, &measured.seconds);
    Ok(measured)
}

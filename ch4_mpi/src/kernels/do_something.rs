//! `do_something` by ranks: each rank makes its part of the numbers, and rank 0 gathers all parts.
//!
//! Rank 0 cannot see the memory of another rank, so every number is copied at least once on its way, the numbers of rank 0
//! too. Making a number takes about as long as sending it, so more ranks help little.

use anyhow::Context;
use ch1_parallel::array::Array;
use ch1_parallel::do_something::part;
use ch1_parallel::kernels::do_something::{check, make, seeds};
use ch1_parallel::kernels::{Measured, Problem, laps};
use mpi::Count;
use mpi::datatype::PartitionMut;
use mpi::traits::*;

use super::{check_world, slowest};
use crate::parts::starts;

/// In each iteration every rank makes its numbers, and rank 0 gathers them.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, or the numbers do not fit in the memory or
/// in a message.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let too_many = || format!("do_something by mpi: {} numbers are too many for one message", problem.size);
    Count::try_from(problem.size).with_context(too_many)?;
    let parts: Vec<_> = (0..problem.workers).map(|rank| part(problem.size, problem.workers, rank)).collect();
    let counts = parts.iter().map(|&(_, count)| Count::try_from(count)).collect::<Result<Vec<_>, _>>()?;
    let starts = starts(&counts);
    let (first, count) = parts[usize::try_from(world.rank())?];
    let mut own = Array::zeros("the numbers of a rank", count)?;
    let (root, is_root) = (world.process_at_rank(0), world.rank() == 0);
    let mut all = Array::zeros("all numbers", if is_root { problem.size } else { 0 })?;
    let mut seeds = seeds();

    let seconds = laps(problem.iterations, || {
        make(seeds.next().unwrap_or_default(), first, &mut own);
        if is_root {
            root.gather_varcount_into_root(&own[..], &mut PartitionMut::new(&mut all[..], &counts[..], &starts[..]));
        } else {
            root.gather_varcount_into(&own[..]);
        }
        // Otherwise the other ranks would begin the next iteration while rank 0 gathers this one.
        world.barrier();
    });

    let mut wrong = if is_root { check(problem, [&all[..]]) } else { None };
    let mut is_wrong = wrong.is_some();
    root.broadcast_into(&mut is_wrong);
    if is_wrong {
        wrong.get_or_insert("rank 0 has gathered wrong numbers".into());
    }
    Ok(Measured { seconds: slowest(world, &seconds), wrong })
}

//! `do_something` by ranks: each rank makes its part of the numbers and sends it to rank 0, slice by slice.
//!
//! Rank 0 cannot see the memory of another rank, so the numbers of the other ranks are copied on their way. Making a number
//! takes about as long as sending it, so more ranks help little.
//!
//! A gather (`MPI_Gatherv`) would be one call, but each rank, rank 0 too, would then hold its whole part beside the array
//! of all numbers. With slices a rank needs the memory of one slice, and rank 0 makes its own numbers where they belong.

use ch1_parallel::array::Array;
use ch1_parallel::do_something::{BLOCK, part};
use ch1_parallel::kernels::do_something::{check, make, seeds};
use ch1_parallel::kernels::{Measured, Problem, laps};
use mpi::Rank;
use mpi::traits::*;

use super::{check_world, slowest};

/// The numbers in a slice. A slice stays in the cache between its making and its sending.
const SLICE: usize = 8 * BLOCK;

/// In each iteration every rank makes its numbers, and rank 0 receives them.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, or the numbers do not fit in the memory.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let part = |rank| part(problem.size, problem.workers, rank);
    let rank = usize::try_from(world.rank())?;
    let (root, is_root) = (world.process_at_rank(0), rank == 0);
    let (first, count) = part(rank);
    let mut slice = Array::zeros("a slice of the numbers", if is_root { 0 } else { count.min(SLICE) })?;
    let mut all = Array::zeros("all numbers", if is_root { problem.size } else { 0 })?;
    let mut seeds = seeds();

    let seconds = laps(problem.iterations, || {
        let seed = seeds.next().unwrap_or_default();
        if is_root {
            // Each round takes the next slice of every rank: all ranks make theirs while rank 0 makes its own.
            let mut parts = Vec::with_capacity(problem.workers);
            let mut rest = &mut all[..];
            for rank in 0..problem.workers {
                let own;
                (own, rest) = rest.split_at_mut(part(rank).1);
                parts.push(own.chunks_mut(SLICE).enumerate());
            }
            while parts.iter().any(|part| part.len() > 0) {
                for (rank, part) in parts.iter_mut().enumerate() {
                    match part.next() {
                        Some((number, slice)) if rank == 0 => make(seed, (number * SLICE / BLOCK) as u64, slice),
                        Some((_, slice)) => {
                            world.process_at_rank(rank as Rank).receive_into(slice);
                        }
                        None => {}
                    }
                }
            }
        } else {
            for start in (0..count).step_by(SLICE) {
                let slice = &mut slice[..SLICE.min(count - start)];
                make(seed, first + (start / BLOCK) as u64, slice);
                root.send(slice);
            }
        }
        // Otherwise the other ranks would begin the next iteration while rank 0 receives this one.
        world.barrier();
    });

    let mut wrong = if is_root { check(problem, [&all[..]]) } else { None };
    let mut is_wrong = wrong.is_some();
    root.broadcast_into(&mut is_wrong);
    if is_wrong {
        wrong.get_or_insert("rank 0 has received wrong numbers".into());
    }
    Ok(Measured { seconds: slowest(world, &seconds), wrong })
}

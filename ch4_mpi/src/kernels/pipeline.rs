//! `pipeline` by ranks: each rank holds some columns and sends the last column of each group of rows to the rank on its right.
//!
//! The messages are short, so the time of a message decides how small the groups can be: smaller groups fill the pipeline
//! sooner, but there are more messages. The last rank sends the number of the last corner to the first rank, which begins
//! the next iteration with it.

use ch1_parallel::kernels::pipeline::{Columns, check, columns, first_column, groups};
use ch1_parallel::kernels::{Measured, Problem, laps};
use mpi::Rank;
use mpi::traits::*;

use super::check_world;

/// Each rank computes its columns, group by group.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, or the grid does not fit in the memory.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let (size, rank) = (problem.size, usize::try_from(world.rank())?);
    let columns: Vec<_> = columns(size, problem.workers).into_iter().filter(|columns| !columns.is_empty()).collect();
    let ranks = columns.len();
    let process = |rank: usize| world.process_at_rank(rank as Rank);
    let last = process(ranks - 1);
    let (mut seconds, mut corner) = (vec![0.0; problem.iterations], 0.0);
    // If there are more ranks than columns, the last ranks have no columns and only wait.
    if let Some(own) = columns.get(rank) {
        let mut own = Columns::new(size, own.clone())?;
        let mut iteration = 0;
        seconds = laps(problem.iterations, || {
            if rank == 0 && ranks > 1 && iteration > 0 {
                last.receive_into(&mut corner);
            }
            own.begin(-corner);
            for rows in groups(size, ranks) {
                let mut border = first_column(rows.clone());
                if rank > 0 {
                    process(rank - 1).receive_into(&mut border[..]);
                }
                own.compute(rows, &mut border);
                if rank + 1 < ranks {
                    process(rank + 1).send(&border[..]);
                } else {
                    corner = border[border.len() - 1];
                }
            }
            if rank + 1 == ranks && ranks > 1 && iteration < problem.iterations {
                process(0).send(&corner);
            }
            iteration += 1;
        });
    }
    // An iteration ends when the last rank ends it.
    last.broadcast_into(&mut seconds[..]);
    last.broadcast_into(&mut corner);
    Ok(Measured { seconds, wrong: check(problem, corner) })
}

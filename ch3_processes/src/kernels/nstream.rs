//! `nstream` by processes: each process has its part of the vectors in memory of its own. Nothing is shared but the barrier.

use ch1_parallel::kernels::nstream::{Vectors, check, part};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use super::workers::run;
use crate::barrier::Barrier;

/// Solves `nstream` with a barrier after each iteration.
///
/// # Errors
/// The system gave no process or no memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let done = run(problem, worker, |number| (number, *problem, barrier.clone()))?;

    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem.size, done.iter().map(|(_, right)| right).sum()) })
}

/// What a worker does. It returns how many of its numbers are right.
pub(super) fn worker(number: usize, problem: Problem, barrier: Barrier) -> anyhow::Result<(Laps, usize)> {
    let mut vectors = Vectors::new(part(problem.size, problem.workers, number).len())?;
    barrier.wait()?;

    let mut laps = Laps::default();
    for _ in 0..=problem.iterations {
        vectors.iterate();
        laps.end(lanes::wait("barrier", || barrier.wait())?);
    }
    Ok((laps, vectors.right(problem.iterations + 1)))
}

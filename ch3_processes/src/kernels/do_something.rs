//! `do_something` by processes: each worker writes its numbers to its part of an array in shared memory, where the parent reads
//! them.
//!
//! A process cannot return a reference. If a worker made its numbers in its own memory, it would send them through a pipe
//! or a channel, and each number would be copied twice. Python's `multiprocessing` also pickles them.

use ch1_parallel::do_something::part;
use ch1_parallel::kernels::do_something::{check, make, seeds};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use super::workers::run;
use crate::barrier::Barrier;
use crate::shared::{InUse, SharedArray};

/// Solves `do_something` with a shared array and a barrier after each iteration.
///
/// # Errors
/// The system gave no process or no memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let lengths: Vec<_> = (0..problem.workers).map(|worker| part(problem.size, problem.workers, worker).1).collect();
    let numbers = SharedArray::new(&lengths)?;
    let laps = run(problem, worker, |number| (number, *problem, numbers.clone(), barrier.clone()))?;

    let seconds = Laps::seconds(problem.iterations, &laps)?;
    let parts = (0..problem.workers).map(|worker| numbers.try_read(worker)).collect::<Result<Vec<_>, InUse>>()?;
    Ok(Measured { seconds, wrong: check(problem, parts.iter().map(|part| &part[..])) })
}

/// What a worker does.
pub(super) fn worker(
    number: usize,
    problem: Problem,
    numbers: SharedArray<f64>,
    barrier: Barrier,
) -> anyhow::Result<Laps> {
    let (first, _) = part(problem.size, problem.workers, number);
    let mut own = numbers.try_write(number)?;
    barrier.wait()?;

    let mut laps = Laps::default();
    for seed in seeds().take(problem.iterations + 1) {
        make(seed, first, &mut own);
        laps.end(lanes::wait("barrier", || barrier.wait())?);
    }
    Ok(laps)
}

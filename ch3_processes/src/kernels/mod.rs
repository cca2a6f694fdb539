//! The kernels, solved by processes that share memory.
//!
//! The workers are started once for a run and go through the iterations in step. A worker that fails ends it.

pub mod count;
pub mod stencil;

use anyhow::Context;
use ch1_parallel::kernels::{Kernel, Measured, Problem};
use course::clock::Moment;
use course::lanes;
use serde::{Deserialize, Serialize};

use crate::barrier::Aborted;
use crate::process::Function;
use crate::{Barrier, join_all, spawn};

/// In a child process that these kernels started, does its work and ends it. To be called in the first line of the
/// `main` of every program that solves kernels by processes.
pub fn init() {
    crate::children![count::worker, stencil::worker];
}

/// Solves a kernel by `problem.workers` processes.
///
/// # Errors
/// A process or the shared memory cannot be had, or a worker died.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Count => count::processes(problem),
        Kernel::Stencil => stencil::processes(problem),
    }
}

/// Runs `problem.workers` workers with the arguments that `arguments` has for each, and returns what they return.
fn run<A: Serialize, F: Function<A> + Copy>(
    problem: &Problem,
    worker: F,
    arguments: impl Fn(usize) -> A,
) -> anyhow::Result<Vec<F::Value>> {
    let children = (0..problem.workers)
        .map(|number| spawn(format!("worker {number}"), worker, arguments(number)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(lanes::wait("workers", || join_all(children))?)
}

/// When iterations ended, as far as one worker knows.
///
/// An iteration ends when the last worker comes to the barrier, so that one takes the time. Any other worker may be
/// woken much later if there are more of them than cores.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Laps {
    /// How often this worker has come to the barrier.
    came: usize,
    /// When it was the last one to come, in nanoseconds of the clock that all processes share.
    ends: Vec<(usize, u64)>,
}

impl Laps {
    /// Waits for the others at the end of an iteration.
    fn end(&mut self, barrier: &Barrier) -> Result<(), Aborted> {
        if lanes::wait("barrier", || barrier.wait())? {
            self.ends.push((self.came, Moment::now().0));
        }
        self.came += 1;
        Ok(())
    }

    /// The seconds of each iteration but the first, from what all workers know.
    fn seconds<'a>(iterations: usize, of_all: impl IntoIterator<Item = &'a Self>) -> anyhow::Result<Vec<f64>> {
        let mut ends: Vec<_> = of_all.into_iter().flat_map(|laps| laps.ends.iter().copied()).collect();
        ends.sort_unstable();
        let complete = ends.iter().map(|&(iteration, _)| iteration).eq(0..=iterations);
        complete.then_some(()).context("an iteration had no last worker, or two")?;
        Ok(ends.windows(2).map(|two| (two[1].1 - two[0].1) as f64 / 1e9).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_is_from_one_end_to_the_next_whoever_saw_them() {
        let laps = |ends: &[(usize, u64)]| Laps { came: 3, ends: ends.to_vec() };
        let both = [laps(&[(1, 2_000_000_000)]), laps(&[(0, 500_000_000), (2, 2_250_000_000)])];
        assert_eq!(Laps::seconds(2, &both).unwrap(), [1.5, 0.25]);
        assert!(Laps::seconds(3, &both).is_err());
        assert!(Laps::seconds(2, &[laps(&[(0, 1), (1, 2), (1, 3)])]).is_err());
    }
}

//! `do_something` by scoped threads: each thread borrows its part of the caller's array and writes the numbers there.
//!
//! The numbers need no way back: they are made where the caller wants them. A thread that returned a vector of its own would
//! make the caller copy all numbers once more.

use ch1_parallel::array::Array;
use ch1_parallel::do_something::part;
use ch1_parallel::kernels::do_something::{check, make, seeds};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use parking_lot::Mutex;

use crate::spin_barrier::SpinBarrier;
use crate::team::team;

/// Each thread makes its part of the numbers. The barrier only ends the iteration.
///
/// # Errors
/// The numbers do not fit in the memory, or the clock of an iteration was not stopped exactly once.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let parts: Vec<_> = (0..problem.workers).map(|worker| part(problem.size, problem.workers, worker)).collect();
    let mut numbers = Array::zeros("the numbers", problem.size)?;
    let seconds = {
        let mut rest = &mut numbers[..];
        // Each lock guards the part of one thread. Only that thread acquires it, once, for the whole run. Without the lock
        // the closure, which all threads share, could not write.
        let borrowed: Vec<_> = parts
            .iter()
            .map(|(_, count)| {
                let own;
                (own, rest) = std::mem::take(&mut rest).split_at_mut(*count);
                Mutex::new(own)
            })
            .collect();
        let barrier = SpinBarrier::new(problem.workers);
        let laps = team(problem.workers, |worker| {
            let (first, mut own) = (parts[worker].0, borrowed[worker].lock());
            let mut laps = Laps::default();
            for seed in seeds().take(problem.iterations + 1) {
                make(seed, first, &mut own);
                laps.end(lanes::wait("barrier", || barrier.wait()));
            }
            laps
        });
        Laps::seconds(problem.iterations, &laps)?
    };
    Ok(Measured { seconds, wrong: check(problem, [&numbers[..]]) })
}

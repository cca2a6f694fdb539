//! `waiting` by scoped threads that block: one thread for each request in flight.
//!
//! A blocked thread needs no core, only memory for its stack and the system's work to put it to sleep and to wake it. Therefore
//! many more threads than cores pay here. They do so for no other kernel.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ch1_parallel::kernels::waiting::{Answers, check, delay, request};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use crossbeam::utils::CachePadded;

use crate::team::team;

/// Each thread makes the next request until no request is left. Two counters are used in turn, as in [`count`](super::count).
///
/// The barrier blocks: of many threads that spin, most would take a core from those that have work to do.
///
/// # Errors
/// The clock of an iteration was not stopped exactly once.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let counters = [(); 2].map(|()| CachePadded::new(AtomicUsize::new(0)));
    let barrier = Barrier::new(problem.workers);
    let done = team(problem.workers, |worker| {
        let mut laps = Laps::default();
        let mut iterations = Vec::with_capacity(problem.iterations + 1);
        for iteration in 0..=problem.iterations {
            let (next, other) = (&counters[iteration % 2], &counters[(iteration + 1) % 2]);
            if worker == 0 {
                other.store(0, Relaxed);
            }
            let mut answers = Answers::default();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= problem.size {
                    break;
                }
                answers.add(request(number, delay(problem)));
            }
            iterations.push(answers);
            laps.end(lanes::wait("barrier", || barrier.wait()).is_leader());
        }
        (laps, iterations)
    });
    let all =
        |iteration: usize| done.iter().map(|(_, answers)| answers[iteration]).fold(Answers::default(), Answers::with);
    let iterations: Vec<_> = (0..=problem.iterations).map(all).collect();
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, &iterations) })
}

//! `count` by scoped threads that take tasks from a shared counter.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use ch1_parallel::kernels::count::{solve, task};
use ch1_parallel::kernels::{Measured, Problem};
use ch1_parallel::lanes;
use crossbeam::utils::CachePadded;

use crate::spin_barrier::SpinBarrier;
use crate::team::team;

/// Each thread takes the next task until none is left.
#[must_use]
pub fn threads(problem: &Problem) -> Measured {
    // Relaxed is enough for the counters: the barrier orders their uses. Each has a cache line of its own, so that taking a
    // task does not disturb who adds to the sum.
    let next = CachePadded::new(AtomicUsize::new(0));
    let sum = CachePadded::new(AtomicU64::new(0));
    let barrier = SpinBarrier::new(problem.workers);
    let iterate = || {
        lanes::wait("barrier", || barrier.wait());
        let mut counted = 0;
        while next.fetch_add(1, Relaxed) < problem.size {
            counted += task(black_box(problem.grain));
        }
        sum.fetch_add(counted, Relaxed);
        lanes::wait("barrier", || barrier.wait());
    };
    let first = team(problem.workers, |worker| match worker {
        0 => Some(solve(problem, || {
            // All others are at the first barrier.
            next.store(0, Relaxed);
            sum.store(0, Relaxed);
            iterate();
            sum.load(Relaxed)
        })),
        _ => {
            (0..=problem.iterations).for_each(|_| iterate());
            None
        }
    });
    first.into_iter().flatten().next().expect("the first worker measures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_with_any_number_of_workers() {
        for workers in [1, 2, 3, 64] {
            let problem = Problem { size: 37, workers, iterations: 3, grain: 100 };
            assert_eq!(threads(&problem).wrong, None, "{workers} workers");
        }
    }
}

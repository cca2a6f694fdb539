//! The kernels solved by scoped threads, which live for one run and meet at a barrier after each iteration.

pub mod count;
pub mod stencil;

use std::time::Instant;

use ch1_parallel::kernels::{Kernel, Measured, Problem};
use course::lanes;
use parking_lot::Mutex;

use crate::spin_barrier::SpinBarrier;

/// Solves the problem with scoped threads.
#[must_use]
pub fn solve(kernel: Kernel, problem: &Problem) -> Measured {
    match kernel {
        Kernel::Count => count::threads(problem),
        Kernel::Stencil => stencil::threads(problem),
    }
}

/// The end of each iteration: a barrier, and the time at which the last thread arrived at it.
///
/// The last thread takes the time, because with more threads than cores another thread may be woken much later.
struct Laps {
    barrier: SpinBarrier,
    /// The lock guards the times at which the iterations ended. Only one thread uses it in an iteration.
    ends: Mutex<Vec<Instant>>,
}

impl Laps {
    fn new(problem: &Problem) -> Self {
        let ends = Mutex::new(Vec::with_capacity(problem.iterations + 1));
        Self { barrier: SpinBarrier::new(problem.workers), ends }
    }

    fn end(&self) {
        if lanes::wait("barrier", || self.barrier.wait()) {
            // The times are in order: the next iteration ends only after this thread, too, has arrived at its barrier.
            self.ends.lock().push(Instant::now());
        }
    }

    /// The seconds of each iteration. The first iteration is not timed.
    fn seconds(self) -> Vec<f64> {
        self.ends.into_inner().windows(2).map(|two| (two[1] - two[0]).as_secs_f64()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solve_solves_each_kernel_and_times_each_iteration_but_the_first() {
        let problem = Problem { size: 37, workers: 3, iterations: 4, grain: 100 };
        for kernel in [Kernel::Count, Kernel::Stencil] {
            let measured = solve(kernel, &problem);
            assert_eq!((measured.wrong, measured.seconds.len()), (None, 4), "{kernel:?}");
            assert!(measured.seconds.iter().all(|seconds| (0.0..60.0).contains(seconds)), "{:?}", measured.seconds);
        }
    }
}

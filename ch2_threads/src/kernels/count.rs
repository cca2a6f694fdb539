//! `count` by scoped threads that take tasks from a shared counter.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ch1_parallel::kernels::count::{check, task};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use crossbeam::utils::CachePadded;

use crate::spin_barrier::SpinBarrier;
use crate::team::team;

/// Each thread takes the next task until no task is left.
///
/// The iterations use two counters in turn, so that one barrier an iteration is enough: when worker 0 resets the other counter,
/// no thread uses that counter any more. Each counter has a cache line of its own. `Relaxed` is enough, because the barrier
/// orders the uses of a counter in different iterations.
///
/// # Errors
/// The clock of an iteration was not stopped exactly once.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let counters = [(); 2].map(|()| CachePadded::new(AtomicUsize::new(0)));
    let barrier = SpinBarrier::new(problem.workers);
    let counted = team(problem.workers, |worker| {
        let mut laps = Laps::default();
        let mut sums = Vec::with_capacity(problem.iterations + 1);
        for iteration in 0..=problem.iterations {
            let (next, other) = (&counters[iteration % 2], &counters[(iteration + 1) % 2]);
            if worker == 0 {
                other.store(0, Relaxed);
            }
            let mut sum = 0;
            while next.fetch_add(1, Relaxed) < problem.size {
                sum += task(black_box(problem.grain));
            }
            sums.push(sum);
            laps.end(lanes::wait("barrier", || barrier.wait()));
        }
        (laps, sums)
    });
    let sum = |iteration: usize| counted.iter().map(|(_, sums)| sums[iteration]).sum();
    let sums: Vec<u64> = (0..=problem.iterations).map(sum).collect();
    let seconds = Laps::seconds(problem.iterations, counted.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, &sums) })
}

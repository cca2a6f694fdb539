//! `count` by processes: each worker takes the next task from a counter that all workers share.

use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;

use ch1_parallel::kernels::count::{check, task};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use super::workers::run;
use crate::barrier::Barrier;
use crate::shared::Counters;

/// Solves `count` with tasks from a shared counter and a barrier after each iteration.
///
/// # Errors
/// The system gave no process or no shared memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let counters = Counters::new(2)?;
    let done = run(problem, worker, |number| (number, *problem, counters.clone(), barrier.clone()))?;

    let sums: Vec<u64> =
        (0..=problem.iterations).map(|iteration| done.iter().map(|(_, sums)| sums[iteration]).sum()).collect();
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, &sums) })
}

/// What a worker does. It returns how far its tasks counted in each iteration.
pub(super) fn worker(
    number: usize,
    problem: Problem,
    counters: Counters,
    barrier: Barrier,
) -> anyhow::Result<(Laps, Vec<u64>)> {
    let mut laps = Laps::default();
    let mut sums = Vec::with_capacity(problem.iterations + 1);
    for iteration in 0..=problem.iterations {
        // The iterations use two counters in turn. No worker has used the other counter since the last barrier, and no
        // worker uses it before the next barrier.
        let (next, other) = (&counters[iteration % 2], &counters[(iteration + 1) % 2]);
        if number == 0 {
            other.store(0, Relaxed);
        }
        let mut sum = 0;
        while next.fetch_add(1, Relaxed) < problem.size as u64 {
            sum += task(black_box(problem.grain));
        }
        sums.push(sum);
        laps.end(lanes::wait("barrier", || barrier.wait())?);
    }
    Ok((laps, sums))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn workers_that_are_threads_count_right() {
        let problem = Problem { size: 7, workers: 3, iterations: 4, grain: 100, ..Problem::DEFAULT };
        let (counters, barrier) = (Counters::new(2).unwrap(), Barrier::new(3).unwrap());
        let all: Vec<_> = thread::scope(|scope| {
            let work = |number| worker(number, problem, counters.clone(), barrier.clone()).unwrap();
            let workers: Vec<_> = (0..3).map(|number| scope.spawn(move || work(number))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        for iteration in 0..5 {
            assert_eq!(all.iter().map(|(_, sums)| sums[iteration]).sum::<u64>(), 700);
        }
        assert_eq!(Laps::seconds(4, all.iter().map(|(laps, _)| laps)).unwrap().len(), 4);
    }
}

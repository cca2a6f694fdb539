//! `grain` by processes: each worker has a point of the graph, and publishes the values of its tasks in shared memory.
//!
//! A value comes through shared memory, as between threads, but in two cache lines: each counter has a cache line of its
//! own, so the number of the step and the value travel from core to core one after the other. Between threads both are in
//! one line. A pipe would cost two system calls for each value, and mostly the system would have to wake the reader.
//!
//! If a worker dies, the parent sees it and kills the others, which would wait for its values for ever.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use ch1_parallel::kernels::grain::{Graph, LOOKS, PLACES, Tally, Task, check, wait_until};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use super::workers::run;
use crate::barrier::Barrier;
use crate::machinery::bell::spins;
use crate::shared::Counters;

/// Solves `grain` with counters in shared memory: for each point the number of steps that are done, and its last values.
///
/// # Errors
/// The system gave no process or no shared memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let counters = Counters::new(problem.workers * (1 + PLACES))?;
    let done = run(problem, worker, |number| (number, *problem, counters.clone(), barrier.clone()))?;

    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, done.into_iter().map(|(_, tally)| tally).sum()) })
}

/// The points of the graph in shared memory. The steps of all iterations are numbered together, from 1 on.
struct Points {
    counters: Counters,
    /// How many times a worker looks before it offers its core to others; 0 if there are more workers than cores.
    looks: u32,
}

impl Points {
    /// The number of the last step of a point that is done.
    fn done(&self, point: usize) -> &AtomicU64 {
        &self.counters[point * (1 + PLACES)]
    }

    /// The place of the value of a step.
    fn place(&self, point: usize, number: u64) -> &AtomicU64 {
        &self.counters[point * (1 + PLACES) + 1 + number as usize % PLACES]
    }

    /// Blocks until a step of a point is done.
    fn wait(&self, point: usize, number: u64) {
        // What was written before the step was published is visible after this load.
        wait_until(self.looks, || self.done(point).load(Acquire) >= number);
    }

    fn publish(&self, point: usize, number: u64, value: u64) {
        self.place(point, number).store(value, Relaxed);
        self.done(point).store(number, Release);
    }
}

/// What a worker does.
pub(super) fn worker(
    point: usize,
    problem: Problem,
    counters: Counters,
    barrier: Barrier,
) -> anyhow::Result<(Laps, Tally)> {
    let graph = Graph::of(&problem);
    let points = Points { counters, looks: spins(problem.workers).min(LOOKS) };
    let (mut laps, mut tally) = (Laps::default(), Tally::default());
    for iteration in 0..=problem.iterations {
        let number = |step: usize| (iteration * graph.steps + step + 1) as u64;
        for step in (0..graph.steps).filter(|&step| point < graph.points(step)) {
            let task = Task { iteration, step, point };
            for input in graph.dependencies(step, point) {
                let from = Task { step: step - 1, point: input, ..task };
                points.wait(input, number(from.step));
                tally.input(from, points.place(input, number(from.step)).load(Relaxed));
            }
            let value = tally.run(task, problem.grain);
            // The value takes the place of an older one, so the tasks that need that one must be done. In a tree they may
            // be late, because no point waits for its children.
            if let Some(older) = step.checked_sub(PLACES) {
                graph.dependents(older, point).for_each(|late| points.wait(late, number(older + 1)));
            }
            points.publish(point, number(step), value);
        }
        laps.end(lanes::wait("barrier", || barrier.wait())?);
    }
    Ok((laps, tally))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use ch1_parallel::kernels::grain::Pattern;
    use clap::ValueEnum;

    #[test]
    fn workers_that_are_threads_are_right_with_every_pattern_and_width() {
        for &pattern in Pattern::value_variants() {
            for workers in [1, 2, 3, 4, 5, 7, 8] {
                let problem = Problem { size: 40, workers, iterations: 2, grain: 10, pattern, ..Problem::DEFAULT };
                let counters = Counters::new(workers * (1 + PLACES)).unwrap();
                let barrier = Barrier::new(workers).unwrap();
                let work = |point| worker(point, problem, counters.clone(), barrier.clone()).unwrap().1;
                let all: Tally = thread::scope(|scope| {
                    let workers: Vec<_> = (0..workers).map(|point| scope.spawn(move || work(point))).collect();
                    workers.into_iter().map(|worker| worker.join().unwrap()).sum()
                });
                assert_eq!(check(&problem, all), None, "{problem:?}");
            }
        }
    }
}

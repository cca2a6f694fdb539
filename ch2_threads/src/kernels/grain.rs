//! `grain` by scoped threads: each thread has a point of the graph and reads the values of other points in shared memory.
//!
//! No thread distributes tasks, and there is no barrier between the steps: a thread waits only for the points on which its
//! task depends. What decides is the time that a cache line takes from the core that wrote it to the core that reads it. To
//! put a thread to sleep and to wake it takes much longer, so a thread that waits does not sleep: it
//! [looks again and again](wait_until).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use ch1_parallel::kernels::grain::{Graph, LOOKS, PLACES, Tally, Task, check, wait_until};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use crossbeam::utils::CachePadded;

use crate::spin_barrier::{SpinBarrier, spins};
use crate::team::team;

/// What the other threads see of a point. Only its own thread writes to it. It has a cache line of its own, which gets from
/// core to core as a whole: the value comes with the number that says that it is there.
#[derive(Debug, Default)]
struct Point {
    /// The number of the last step that is done. The steps of all iterations are numbered together, from 1 on.
    done: AtomicU64,
    /// The values of the last steps, each in the place of its number modulo [`PLACES`].
    values: [AtomicU64; PLACES],
}

impl Point {
    /// Blocks until a step is done.
    fn wait(&self, number: u64, looks: u32) {
        wait_until(looks, || self.done.load(Acquire) >= number);
    }

    /// The value of a step that is done. `Relaxed` is enough: a thread that has read from `done` that the step
    /// is done also sees its value.
    fn value(&self, number: u64) -> u64 {
        self.values[number as usize % PLACES].load(Relaxed)
    }

    /// Publishes the value of a step.
    fn publish(&self, number: u64, value: u64) {
        self.values[number as usize % PLACES].store(value, Relaxed);
        self.done.store(number, Release);
    }
}

/// Each thread runs the tasks of its point, step by step.
///
/// # Errors
/// The clock of an iteration was not stopped exactly once.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let (graph, looks) = (Graph::of(problem), spins(problem.workers).min(LOOKS));
    let points: Vec<CachePadded<Point>> = (0..graph.width).map(|_| CachePadded::default()).collect();
    let barrier = SpinBarrier::new(problem.workers);
    let done = team(problem.workers, |point| {
        let (mut laps, mut tally) = (Laps::default(), Tally::default());
        for iteration in 0..=problem.iterations {
            let number = |step: usize| (iteration * graph.steps + step + 1) as u64;
            for step in (0..graph.steps).filter(|&step| point < graph.points(step)) {
                let task = Task { iteration, step, point };
                for input in graph.dependencies(step, point) {
                    let from = Task { step: step - 1, point: input, ..task };
                    points[input].wait(number(from.step), looks);
                    tally.input(from, points[input].value(number(from.step)));
                }
                let value = tally.run(task, problem.grain);
                // The value takes the place of an older one, so the tasks that need that one must be done. In a tree they
                // may be late, because no point waits for its children.
                if let Some(older) = step.checked_sub(PLACES) {
                    graph.dependents(older, point).for_each(|late| points[late].wait(number(older + 1), looks));
                }
                points[point].publish(number(step), value);
            }
            laps.end(lanes::wait("barrier", || barrier.wait()));
        }
        (laps, tally)
    });
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, done.into_iter().map(|(_, tally)| tally).sum()) })
}

//! `grain`: tasks that depend on each other, to find out how short tasks may be. The definitions are those of Task Bench
//! (Slaughter et al., "Task Bench", SC20).
//!
//! The tasks form a [graph](Graph) of steps and points. A task needs the values of some tasks of the step before. Then it
//! counts to the grain, and its own value is needed by tasks of the next step. There is a point for each worker, so all
//! workers are busy only if values get to the next tasks without delay. A strategy has a cost for each task. The shorter the
//! tasks are, the larger is the part of the time that this cost takes.

mod graph;

use std::hint::{black_box, spin_loop};
use std::thread;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Measured, Problem, count, laps, pool};
use course::lanes;
pub use graph::{Graph, Pattern, Points};

/// A task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The number of the iteration.
    pub iteration: usize,
    /// The number of the step in its iteration.
    pub step: usize,
    /// The number of the point in its step.
    pub point: usize,
}

impl Task {
    /// The value of the task if all its inputs are right: a number that no other task of the run is likely to have.
    ///
    /// So a task checks each input with a few instructions. A value of another point, of another step or of another
    /// iteration is wrong.
    #[must_use]
    pub fn value(self) -> u64 {
        // Odd factors with bits in no order: 2^64 divided by the golden ratio, and numbers of Steele, Lea and Flood
        // ("Fast Splittable Pseudorandom Number Generators", 2014).
        let step = (self.iteration as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(self.step as u64);
        let task = step.wrapping_mul(0x94d0_49bb_1331_11eb).wrapping_add(self.point as u64);
        task.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// What tasks have done: each worker counts for itself, and the check needs the sum over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The number of tasks.
    pub tasks: u64,
    /// How far they counted in all.
    pub turns: u64,
    /// The number of inputs.
    pub inputs: u64,
    /// The number of inputs with a wrong value.
    pub wrong: u64,
}

impl Tally {
    /// Compares an input of a task with the value of the task from which it comes.
    pub fn input(&mut self, from: Task, value: u64) {
        self.inputs += 1;
        self.wrong += u64::from(value != from.value());
    }

    /// Runs a task and returns its value. After a wrong input all values are wrong, so the tasks that depend on them find
    /// it too.
    #[must_use]
    pub fn run(&mut self, task: Task, grain: u64) -> u64 {
        self.tasks += 1;
        self.turns += count::task(black_box(grain));
        task.value().wrapping_add(self.wrong)
    }

    /// The numbers one by one, for the strategy that sends them.
    #[must_use]
    pub fn to_array(self) -> [u64; 4] {
        [self.tasks, self.turns, self.inputs, self.wrong]
    }
}

impl From<[u64; 4]> for Tally {
    fn from([tasks, turns, inputs, wrong]: [u64; 4]) -> Self {
        Self { tasks, turns, inputs, wrong }
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            tasks: sum.tasks + one.tasks,
            turns: sum.turns + one.turns,
            inputs: sum.inputs + one.inputs,
            wrong: sum.wrong + one.wrong,
        })
    }
}

/// How many values of a point are kept where workers read them in shared memory.
pub const PLACES: usize = 4;

/// How many times a worker looks for a value before it offers its core to others. These looks take some microseconds, which
/// is longer than a cache line is on its way. There are not more of them, because the worker that computes the value may
/// wait for this core.
pub const LOOKS: u32 = 100;

/// Blocks until a value is there. The worker does not sleep, because to be woken takes longer than a short task: it looks
/// `looks` times, and after that it offers its core to others between two looks.
pub fn wait_until(looks: u32, is_there: impl Fn() -> bool) {
    for _ in 0..looks {
        if is_there() {
            return;
        }
        spin_loop();
    }
    if !is_there() {
        lanes::wait("value", || {
            while !is_there() {
                thread::yield_now();
            }
        });
    }
}

/// Says why `all`, the sum over all workers and iterations, is wrong, or `None` if it is right.
#[must_use]
pub fn check(problem: &Problem, all: Tally) -> Option<String> {
    let (graph, iterations) = (Graph::of(problem), problem.iterations as u64 + 1);
    let (tasks, inputs) = (graph.tasks() * iterations, graph.inputs() * iterations);
    if all.wrong > 0 {
        return Some(format!("{} of {} inputs have the value of another task", all.wrong, all.inputs));
    }
    for (what, is, right) in [
        ("tasks", all.tasks, tasks),
        ("inputs", all.inputs, inputs),
        ("turns of the tasks", all.turns, tasks * problem.grain),
    ] {
        if is != right {
            return Some(format!("{is} {what}, not {right}"));
        }
    }
    None
}

/// A sweep has at most this many times more iterations for its shortest tasks than for its longest.
const MORE: usize = 8;

/// The problem, the problem with half of its grain, and so on, as long as the grain is not below `least`. Shorter tasks get
/// more iterations, so that a single interruption matters less.
pub fn sweep(problem: &Problem, least: u64) -> impl Iterator<Item = Problem> + use<> {
    let (first, least) = (*problem, least.max(1));
    std::iter::successors(Some(first), move |last| {
        let (grain, iterations) = (last.grain / 2, (2 * last.iterations).min(MORE * first.iterations));
        (grain >= least).then_some(Problem { grain, iterations, ..first })
    })
}

/// One task after the other, for all points of the graph.
#[must_use]
pub fn serial(problem: &Problem) -> Measured {
    let mut tally = Tally::default();
    let seconds = solve(problem, |iteration, step, before, values| {
        for (point, value) in values.iter_mut().enumerate() {
            *value = one(problem, &mut tally, Task { iteration, step, point }, before);
        }
    });
    Measured { seconds, wrong: check(problem, tally) }
}

/// The tasks of each step as a parallel iterator. A step begins when all tasks of the step before have ended, whatever the
/// pattern is.
///
/// What decides is the time from the end of a step until the other threads have found the tasks of the next step: these are
/// put into the queue of one thread, and idle threads look into the queues of others to steal from them.
///
/// # Errors
/// The system does not start a thread.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let pool = pool(problem.workers)?;
    let mut tallies = vec![Tally::default(); problem.workers];
    let all = || {
        solve(problem, |iteration, step, before, values| {
            let tasks = values.par_iter_mut().zip(&mut tallies).enumerate().with_max_len(1);
            tasks.for_each(|(point, (value, tally))| {
                *value = one(problem, tally, Task { iteration, step, point }, before);
            });
        })
    };
    // No lane for each task: to begin and end a lane takes as long as a short task.
    let seconds = lanes::wait("pool", || pool.install(all));
    Ok(Measured { seconds, wrong: check(problem, tallies.into_iter().sum()) })
}

/// Times iterations over all steps of the graph. `run` gets the number of the iteration, the number of the step, the values
/// of the step before, and the places for the values of this step's points.
fn solve(problem: &Problem, mut run: impl FnMut(usize, usize, &[u64], &mut [u64])) -> Vec<f64> {
    let graph = Graph::of(problem);
    let (mut before, mut values) = (vec![0; graph.width], vec![0; graph.width]);
    let mut iteration = 0;
    laps(problem.iterations, || {
        for step in 0..graph.steps {
            run(iteration, step, &before, &mut values[..graph.points(step)]);
            (before, values) = (std::mem::take(&mut values), std::mem::take(&mut before));
        }
        iteration += 1;
    })
}

/// Runs one task with its inputs from the values of the step before.
fn one(problem: &Problem, tally: &mut Tally, task: Task, before: &[u64]) -> u64 {
    for point in Graph::of(problem).dependencies(task.step, task.point) {
        tally.input(Task { step: task.step - 1, point, ..task }, before[point]);
    }
    tally.run(task, problem.grain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    const PROBLEM: Problem = Problem { size: 9, workers: 5, iterations: 2, grain: 10, ..Problem::DEFAULT };

    #[test]
    fn both_strategies_are_right_with_every_pattern_and_width() {
        for &pattern in Pattern::value_variants() {
            for workers in [1, 2, 3, 4, 5, 7, 8] {
                for size in [1, 2, 9] {
                    let problem = Problem { pattern, workers, size, ..PROBLEM };
                    for measured in [serial(&problem), rayon(&problem).unwrap()] {
                        assert_eq!((measured.wrong, measured.seconds.len()), (None, 2), "{problem:?}");
                    }
                }
            }
        }
    }

    /// What the tasks do if `input` changes a value on its way: it gets the task that needs it, the point from which it
    /// comes, and the values of the step before that step and of the step itself.
    fn with_inputs(problem: &Problem, input: impl Fn(Task, usize, &[u64], &[u64]) -> Option<u64>) -> Option<String> {
        let graph = Graph::of(problem);
        let mut tally = Tally::default();
        for iteration in 0..=problem.iterations {
            let (mut older, mut before) = (vec![0; graph.width], vec![0; graph.width]);
            for step in 0..graph.steps {
                let task = |point| Task { iteration, step, point };
                let values: Vec<_> = (0..graph.points(step))
                    .map(|point| {
                        for from in graph.dependencies(step, point) {
                            if let Some(value) = input(task(point), from, &older, &before) {
                                tally.input(Task { step: step - 1, ..task(from) }, value);
                            }
                        }
                        tally.run(task(point), problem.grain)
                    })
                    .collect();
                older = std::mem::replace(&mut before, values);
            }
        }
        check(problem, tally)
    }

    #[test]
    fn the_check_finds_a_missing_a_stale_and_a_swapped_value_and_one_of_another_iteration() {
        let victim = |task: Task, from: usize| (task.iteration, task.step, task.point, from) == (1, 8, 2, 3);
        assert_eq!(with_inputs(&PROBLEM, |_, from, _, before| Some(before[from])), None);
        let missing =
            |task: Task, from: usize, _: &[u64], before: &[u64]| (!victim(task, from)).then_some(before[from]);
        assert!(with_inputs(&PROBLEM, missing).is_some_and(|wrong| wrong.contains("inputs, not")));
        for wrong in [
            with_inputs(&PROBLEM, |task, from, older, before| {
                Some(if victim(task, from) { older[from] } else { before[from] })
            }),
            with_inputs(&PROBLEM, |task, from, _, before| Some(before[if victim(task, from) { 1 } else { from }])),
            with_inputs(&PROBLEM, |task, from, _, before| {
                let other = Task { iteration: 0, step: 7, point: from };
                Some(if victim(task, from) { other.value() } else { before[from] })
            }),
        ] {
            assert!(wrong.is_some_and(|wrong| wrong.contains("value of another task")));
        }
    }

    #[test]
    fn the_check_finds_a_task_that_is_missing_or_too_short() {
        let graph = Graph::of(&PROBLEM);
        let right = Tally { tasks: 3 * 45, turns: 3 * 450, inputs: 3 * graph.inputs(), wrong: 0 };
        assert_eq!(check(&PROBLEM, right), None);
        assert!(check(&PROBLEM, Tally { tasks: right.tasks - 1, ..right }).is_some());
        assert!(check(&PROBLEM, Tally { turns: right.turns - 1, ..right }).is_some());
        assert_eq!(Tally::from(right.to_array()), right);
    }

    #[test]
    fn a_sweep_halves_the_grain_and_has_more_iterations_for_short_tasks() {
        let all: Vec<_> = sweep(&Problem { grain: 100, ..PROBLEM }, 3).map(|one| (one.grain, one.iterations)).collect();
        assert_eq!(all, [(100, 2), (50, 4), (25, 8), (12, 16), (6, 16), (3, 16)]);
        assert_eq!(sweep(&PROBLEM, 0).map(|one| one.grain).collect::<Vec<_>>(), [10, 5, 2, 1]);
        assert_eq!(sweep(&PROBLEM, 20).count(), 1, "the problem itself is always there");
    }

    #[test]
    fn an_error_spreads_to_the_tasks_that_depend_on_it() {
        let task = Task { iteration: 0, step: 3, point: 1 };
        let (mut one, mut other) = (Tally::default(), Tally::default());
        one.input(Task { step: 2, ..task }, 7);
        other.input(task, one.run(task, 1));
        assert_eq!((one.wrong, other.wrong), (1, 1));
    }
}

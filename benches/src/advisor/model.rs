//! How long a strategy needs for a map, predicted from prices: a few terms that are added.
//!
//! | term | what it is | taken from |
//! |---|---|---|
//! | start | the start and the end of workers or ranks | the serial part of Amdahl's law (AFIPS 1967) |
//! | dispatch | the tasks are given to workers, one after the other | the overhead `o` of LogGP, for each task |
//! | transfer | the results are brought to the caller | the gap `G` of LogGP, for each byte |
//! | work | the tasks compute on the cores, or wait in rounds, one task for each worker | Amdahl's parallel part |
//!
//! LogGP (Alexandrov, Ionescu, Schauser and Scheiman, SPAA 1995) is a model of messages. Here its terms have one meaning
//! for all strategies: a thread that writes its results into the caller's memory has a price for each byte too, the first
//! touch of a page.
//!
//! The model leaves out three things: tasks that run while other workers still start, caches, and other programs on the
//! machine.

use ch1_parallel::kernels::Strategy;
use serde::{Deserialize, Serialize};

/// A map, as the user describes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// How many tasks there are.
    pub tasks: usize,
    /// How long a task computes or waits, in microseconds.
    pub task_us: f64,
    /// How many bytes a task gives back.
    pub bytes: usize,
    /// Whether a task waits instead of computing.
    pub waiting: bool,
    /// How many threads, processes or ranks there are at most.
    pub workers: usize,
}

/// What the cores of the machine can do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cores {
    /// How many there are.
    pub count: usize,
    /// How many times as fast as one core all of them compute together. It is less than their number if two of them share a
    /// processor.
    pub speed: f64,
    /// Seconds of one step of a task's computation.
    pub step: f64,
}

/// Results of up to this many bytes in all are near the cores: they fit into a cache, and into memory that the program has
/// used before.
pub const NEAR: f64 = 16e6;

/// The prices of a strategy, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prices {
    /// A map of one task that does nothing: the strategy with one worker.
    pub alone: f64,
    /// The start and the end of the strategy with one worker for each core.
    pub start: f64,
    /// The start and the end of each further worker.
    pub worker: f64,
    /// The dispatch of a task, the part in which the workers do not help each other.
    pub dispatch: f64,
    /// Each byte of the results, if all of them have at most [`NEAR`] bytes.
    pub near_byte: f64,
    /// Each byte of the results, if they have more.
    pub byte: f64,
    /// How much longer a wait takes than it should.
    pub oversleep: f64,
    /// What the end of a wait costs the cores, for each task: with very many waits this is what takes the time.
    pub wake: f64,
}

/// The predicted time of a strategy, term by term, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The start and the end of the workers.
    pub start: f64,
    /// The dispatch of all tasks.
    pub dispatch: f64,
    /// The results of all tasks.
    pub transfer: f64,
    /// The computation or the waiting of all tasks.
    pub work: f64,
}

impl Prediction {
    /// The sum of the terms, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.start + self.dispatch + self.transfer + self.work
    }
}

impl Cores {
    /// How many times as fast as one worker several workers compute.
    #[must_use]
    pub fn speed_of(&self, workers: usize) -> f64 {
        1.0 + (self.speed - 1.0) * self.share(workers)
    }

    /// From 0 for one worker to 1 for a worker on each core, and 1 for more workers.
    fn share(&self, workers: usize) -> f64 {
        if workers >= self.count { 1.0 } else { (workers - 1) as f64 / (self.count - 1) as f64 }
    }
}

/// Predicts the time of a strategy.
#[must_use]
pub fn predict(question: &Question, strategy: Strategy, prices: &Prices, cores: &Cores) -> Prediction {
    let (tasks, seconds) = (question.tasks as f64, question.task_us * 1e-6);
    let workers = match strategy {
        Strategy::Serial => 1,
        // All tasks wait at the same time in one thread.
        Strategy::Async if question.waiting => question.tasks,
        Strategy::Async => 1,
        // No more threads or processes are started than there are tasks.
        Strategy::Threads | Strategy::Processes => question.workers.min(question.tasks),
        // Their number does not depend on the tasks.
        Strategy::Rayon | Strategy::Mpi => question.workers,
    };
    let busy = workers.min(question.tasks);
    let rounds = question.tasks.div_ceil(busy) as f64;
    let work = if question.waiting {
        (rounds * (seconds + prices.oversleep)).max(tasks * prices.wake)
    } else {
        rounds * seconds * busy as f64 / cores.speed_of(busy)
    };
    let started = match strategy {
        Strategy::Serial | Strategy::Async => 1,
        // The threads of rayon's pool have started; those that get a task are woken.
        Strategy::Rayon => busy,
        _ => workers,
    };
    let further = started.saturating_sub(cores.count);
    let results = tasks * question.bytes as f64;
    // Between one worker and one for each core, each worker costs as much as the next.
    let start = prices.alone + cores.share(started) * (prices.start - prices.alone);
    Prediction {
        start: start + further as f64 * prices.worker,
        dispatch: tasks * prices.dispatch,
        transfer: results * if results <= NEAR { prices.near_byte } else { prices.byte },
        work,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORES: Cores = Cores { count: 4, speed: 3.0, step: 1e-9 };
    const PRICES: Prices = Prices {
        alone: 10e-6,
        start: 100e-6,
        worker: 10e-6,
        dispatch: 1e-6,
        near_byte: 1e-9,
        byte: 2e-9,
        oversleep: 50e-6,
        wake: 2e-6,
    };
    const QUESTION: Question = Question { tasks: 100, task_us: 100.0, bytes: 1000, waiting: false, workers: 4 };

    fn seconds(question: Question, strategy: Strategy) -> f64 {
        predict(&question, strategy, &PRICES, &CORES).seconds()
    }

    fn is(value: f64, right: f64) {
        assert!((value / right - 1.0).abs() < 1e-9, "{value} is not {right}");
    }

    #[test]
    fn the_terms_of_a_computation_are_added() {
        let threads = predict(&QUESTION, Strategy::Threads, &PRICES, &CORES);
        is(threads.start, 100e-6);
        is(threads.dispatch, 100e-6);
        is(threads.transfer, 100e-6);
        is(threads.work, 25.0 * 100e-6 * 4.0 / 3.0);
        is(threads.seconds(), 300e-6 + 10e-3 / 3.0);
        is(predict(&QUESTION, Strategy::Serial, &PRICES, &CORES).work, 10e-3);
    }

    #[test]
    fn workers_beyond_the_cores_cost_their_start_and_gain_nothing() {
        let more = Question { workers: 20, ..QUESTION };
        is(seconds(more, Strategy::Threads) - seconds(QUESTION, Strategy::Threads), 16.0 * 10e-6);
        is(seconds(more, Strategy::Mpi) - seconds(QUESTION, Strategy::Mpi), 16.0 * 10e-6);
    }

    #[test]
    fn a_part_of_the_cores_has_a_part_of_the_speed() {
        let speeds: Vec<_> = [1, 2, 3, 4, 9].map(|workers| CORES.speed_of(workers)).into();
        is(speeds[1], 1.0 + 2.0 / 3.0);
        assert_eq!((speeds[0], speeds[3], speeds[4]), (1.0, 3.0, 3.0));
        let start = |workers| predict(&Question { workers, ..QUESTION }, Strategy::Threads, &PRICES, &CORES).start;
        assert_eq!([1, 2, 4].map(start), [10e-6, 40e-6, 100e-6]);
        is(Cores { count: 1, speed: 1.0, step: 1e-9 }.speed_of(1), 1.0);
    }

    #[test]
    fn one_task_gains_nothing_from_workers() {
        let one = Question { tasks: 1, ..QUESTION };
        is(predict(&one, Strategy::Threads, &PRICES, &CORES).work, 100e-6);
        // The fifth task of four workers needs a second round.
        let uneven = |tasks| predict(&Question { tasks, ..QUESTION }, Strategy::Rayon, &PRICES, &CORES).work;
        is(uneven(5), uneven(8));
    }

    #[test]
    fn waiting_tasks_wait_in_rounds() {
        let waiting = Question { waiting: true, workers: 10, ..QUESTION };
        let work = |question: &Question, strategy| predict(question, strategy, &PRICES, &CORES).work;
        is(work(&waiting, Strategy::Serial), 100.0 * 150e-6);
        is(work(&waiting, Strategy::Threads), 10.0 * 150e-6);
        // All at the same time; here it is the wakes that take the time.
        is(work(&waiting, Strategy::Async), 200e-6);
        is(work(&Question { tasks: 10, ..waiting }, Strategy::Async), 150e-6);
    }
}

//! The problems that every strategy solves, and how a solution is timed, checked and reported.
//!
//! The definitions and the rates are those of the Parallel Research Kernels (Van der Wijngaart and Mattson, "The Parallel
//! Research Kernels", IEEE HPEC 2014). The serial and rayon solutions are here. The solutions of another strategy are in
//! its chapter under the same path, for example `ch2_threads/src/kernels/stencil.rs`.

pub mod args;
pub mod count;
pub mod do_something;
pub mod grain;
pub mod nstream;
pub mod pipeline;
pub mod stencil;
mod timing;
pub mod transpose;
pub mod waiting;

use std::fmt;
use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use course::lanes;
pub use timing::{Laps, laps, median, quartiles};

/// A kernel: a small computation whose result can be checked exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Kernel {
    /// Three long vectors, A += B + 3·C: nothing is shared
    Nstream,
    /// A star-shaped stencil on a grid: workers need data of their neighbours
    Stencil,
    /// A matrix is added to the transpose of another one: workers need data of all others
    Transpose,
    /// Each point of a grid needs the points before it: workers wait for the worker before them
    Pipeline,
    /// Independent tasks that count: bound by the processor
    Count,
    /// Random numbers that the workers hand back
    DoSomething,
    /// Requests that mostly wait for their answers
    Waiting,
    /// Short tasks that need the values of tasks before them: bound by what a task costs beside its work
    Grain,
}

/// A strategy: a way to solve a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Strategy {
    /// One thread
    Serial,
    /// Rayon's thread pool
    Rayon,
    /// Scoped threads
    Threads,
    /// Processes with shared memory
    Processes,
    /// Ranks that exchange messages
    Mpi,
    /// Asynchronous tasks on an event loop
    Async,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Serial => "serial",
            Self::Rayon => "rayon",
            Self::Threads => "threads",
            Self::Processes => "processes",
            Self::Mpi => "mpi",
            Self::Async => "async",
        })
    }
}

/// A problem of a certain size, and the number of workers that solve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// The size: the number of tasks or numbers, or the side of the grid.
    pub size: usize,
    /// The number of threads, processes or ranks.
    pub workers: usize,
    /// The number of threads of each worker: above 1 only for the ranks of `stencil`.
    pub threads: usize,
    /// The number of timed iterations. One more iteration before them is not timed.
    pub iterations: usize,
    /// The number to which a task of `count` or `grain` counts.
    pub grain: u64,
    /// How long a request of `waiting` waits for its answer, in microseconds.
    pub wait: u32,
    /// Which tasks of `grain` need the values of which tasks.
    pub pattern: grain::Pattern,
}

impl Problem {
    /// One worker, one iteration, no task: what the fields have that a kernel does not use.
    pub const DEFAULT: Self =
        Self { size: 0, workers: 1, threads: 1, iterations: 1, grain: 0, wait: 0, pattern: grain::Pattern::Stencil1d };

    /// The work of one iteration. Work per second has the unit [`unit`](Kernel::unit).
    #[must_use]
    pub fn work(&self, kernel: Kernel) -> f64 {
        match kernel {
            Kernel::Grain => grain::Graph::of(self).tasks() as f64,
            _ => kernel.work(self.size),
        }
    }
}

/// The times of a solution and the result of its check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds of each timed iteration.
    pub seconds: Vec<f64>,
    /// Why the result is wrong, if it is.
    pub wrong: Option<String>,
}

/// The figures of a measured solution: the fields of a line of `--json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The problem.
    pub kernel: Kernel,
    /// The strategy.
    pub strategy: Strategy,
    /// The number of workers.
    pub workers: usize,
    /// The number of threads of each worker. A line of JSON without this field means 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub threads: usize,
    /// The size of the problem.
    pub size: usize,
    /// The number of timed iterations, without those of the warm-up.
    pub iterations: usize,
    /// Seconds of the fastest iteration.
    pub seconds_min: f64,
    /// Seconds of an iteration on average.
    pub seconds_avg: f64,
    /// Seconds of an iteration in the median.
    pub seconds_median: f64,
    /// The quartiles of the seconds: half of the iterations took a time between these two.
    pub seconds_quartiles: [f64; 2],
    /// Work per second in `unit`; `None` if the result is wrong. It comes from the average time if the number of iterations
    /// was given, as with the Parallel Research Kernels, and otherwise from the median.
    pub rate: Option<f64>,
    /// The unit of the rate.
    pub unit: String,
    /// Whether the exact check passed.
    pub valid: bool,
}

fn one() -> usize {
    1
}

// The signature is serde's.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_one(threads: &usize) -> bool {
    *threads == 1
}

impl Kernel {
    /// The name of the kernel on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nstream => "nstream",
            Self::Stencil => "stencil",
            Self::Transpose => "transpose",
            Self::Pipeline => "pipeline",
            Self::Count => "count",
            Self::DoSomething => "do_something",
            Self::Waiting => "waiting",
            Self::Grain => "grain",
        }
    }

    /// The size that is used when none is given.
    #[must_use]
    pub fn default_size(self) -> usize {
        match self {
            Self::Nstream => 4_000_000,
            Self::Stencil | Self::Pipeline => 2000,
            Self::Transpose => 2048,
            Self::Count | Self::Grain => 1000,
            Self::DoSomething => 1_000_000,
            Self::Waiting => 100,
        }
    }

    /// The unit of the rate.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Nstream | Self::Transpose => "MB/s",
            Self::Stencil | Self::Pipeline => "MFlops/s",
            Self::Count | Self::Grain => "tasks/s",
            Self::DoSomething => "numbers/s",
            Self::Waiting => "requests/s",
        }
    }

    /// The work of one iteration; of `grain`, the number of steps. Work per second has the unit [`unit`](Self::unit).
    #[must_use]
    pub fn work(self, size: usize) -> f64 {
        match self {
            Self::Nstream => nstream::traffic(size) / 1e6,
            Self::Stencil => stencil::flops(size) / 1e6,
            Self::Transpose => transpose::traffic(size) / 1e6,
            Self::Pipeline => pipeline::flops(size) / 1e6,
            Self::Count | Self::DoSomething | Self::Waiting | Self::Grain => size as f64,
        }
    }

    /// The smallest size that makes sense.
    #[must_use]
    pub fn least_size(self) -> usize {
        match self {
            Self::Nstream | Self::Transpose | Self::Count | Self::DoSomething | Self::Waiting | Self::Grain => 1,
            Self::Pipeline => 2,
            Self::Stencil => 2 * stencil::RADIUS + 1,
        }
    }

    /// The largest size that the kernel accepts.
    #[must_use]
    pub fn most_size(self) -> usize {
        match self {
            Self::Nstream | Self::Count | Self::DoSomething | Self::Waiting | Self::Grain => u32::MAX as usize,
            // Two grids then take 64 GiB.
            Self::Stencil | Self::Transpose | Self::Pipeline => 1 << 16,
        }
    }

    /// The memory that the data of a problem takes, in bytes, without copies that a strategy needs.
    #[must_use]
    pub fn bytes(self, size: usize) -> u64 {
        match self {
            Self::Nstream => nstream::bytes(size),
            Self::Stencil => stencil::bytes(size),
            Self::Transpose => transpose::bytes(size),
            Self::Pipeline => pipeline::bytes(size),
            Self::Count | Self::Waiting | Self::Grain => 0,
            Self::DoSomething => do_something::bytes(size),
        }
    }

    /// The strategies that solve it.
    #[must_use]
    pub fn strategies(self) -> &'static [Strategy] {
        use Strategy::{Async, Mpi, Processes, Rayon, Serial, Threads};
        match self {
            Self::Nstream | Self::Stencil | Self::Transpose | Self::Pipeline | Self::Count | Self::DoSomething => {
                &[Serial, Rayon, Threads, Processes, Mpi]
            }
            Self::Waiting => &[Serial, Threads, Async],
            Self::Grain => &[Serial, Rayon, Threads, Processes, Mpi, Async],
        }
    }

    /// The error for a strategy that does not solve it.
    #[must_use]
    pub fn no_pair(self, strategy: Strategy) -> String {
        format!("no kernel '{self}' with strategy '{strategy}'")
    }

    /// The number of workers if none is given: the number of cores, or for requests that wait, as many as there are by
    /// default.
    #[must_use]
    pub fn default_workers(self) -> usize {
        match self {
            Self::Waiting => self.default_size(),
            _ => available_parallelism().map_or(1, NonZero::get),
        }
    }

    /// Solves the problem with a strategy of this chapter. Returns `None` for the strategy of another chapter.
    #[must_use]
    pub fn solve(self, strategy: Strategy, problem: &Problem) -> Option<anyhow::Result<Measured>> {
        Some(match (self, strategy) {
            (Self::Nstream, Strategy::Serial) => nstream::serial(problem),
            (Self::Nstream, Strategy::Rayon) => nstream::rayon(problem),
            (Self::Transpose, Strategy::Serial) => transpose::serial(problem),
            (Self::Transpose, Strategy::Rayon) => transpose::rayon(problem),
            (Self::Pipeline, Strategy::Serial) => pipeline::serial(problem),
            (Self::Pipeline, Strategy::Rayon) => pipeline::rayon(problem),
            (Self::DoSomething, Strategy::Serial) => do_something::serial(problem),
            (Self::DoSomething, Strategy::Rayon) => do_something::rayon(problem),
            (Self::Count, Strategy::Serial) => Ok(count::serial(problem)),
            (Self::Count, Strategy::Rayon) => count::rayon(problem),
            (Self::Stencil, Strategy::Serial) => stencil::serial(problem),
            (Self::Stencil, Strategy::Rayon) => stencil::rayon(problem),
            (Self::Waiting, Strategy::Serial) => Ok(waiting::serial(problem)),
            (Self::Grain, Strategy::Serial) => Ok(grain::serial(problem)),
            (Self::Grain, Strategy::Rayon) => grain::rayon(problem),
            _ => return None,
        })
    }
}

/// Which time of an iteration decides the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typical {
    /// The average, as with the Parallel Research Kernels
    Average,
    /// The median, on which single interruptions have no influence
    Median,
}

impl Figures {
    /// The figures of `measured`.
    #[must_use]
    pub fn of(kernel: Kernel, strategy: Strategy, problem: &Problem, measured: &Measured, typical: Typical) -> Self {
        let total: f64 = measured.seconds.iter().sum();
        let seconds_avg = total / measured.seconds.len().max(1) as f64;
        let seconds_median = median(&measured.seconds);
        let seconds = if typical == Typical::Average { seconds_avg } else { seconds_median };
        let valid = measured.wrong.is_none();
        Self {
            kernel,
            strategy,
            workers: problem.workers,
            threads: problem.threads,
            size: problem.size,
            iterations: measured.seconds.len(),
            seconds_min: measured.seconds.iter().copied().fold(f64::INFINITY, f64::min),
            seconds_avg,
            seconds_median,
            seconds_quartiles: timing::quartiles(&measured.seconds),
            rate: valid.then(|| problem.work(kernel) / seconds),
            unit: kernel.unit().into(),
            valid,
        }
    }

    /// One line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // Numbers and names can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel, strategy, workers, threads, size, iterations, seconds_median, .. } = self;
        let [low, high] = self.seconds_quartiles.map(|seconds| seconds * 1e3);
        write!(f, "{kernel} of size {size} by {strategy}, workers: {workers}, ")?;
        if *threads > 1 {
            write!(f, "threads of each: {threads}, ")?;
        }
        write!(f, "iterations: {iterations}: ")?;
        match self.rate {
            Some(rate) => write!(f, "{rate:.1} {}", self.unit)?,
            None => write!(f, "wrong result")?,
        }
        let (median, best) = (seconds_median * 1e3, self.seconds_min * 1e3);
        let average = self.seconds_avg * 1e3;
        write!(f, " (median {median:.3} ms, half of them {low:.3} to {high:.3}; average {average:.3}, best {best:.3})")
    }
}

/// A rayon pool with `workers` threads.
///
/// # Errors
/// The system does not start a thread.
pub fn pool(workers: usize) -> anyhow::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .with_context(|| format!("starting a pool of {workers} threads"))
}

/// The lane of the current thread of the pool.
fn pool_lane() -> lanes::Lane {
    lanes::lane(format_args!("worker {}", rayon::current_thread_index().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: Problem = Problem { size: 7, workers: 3, iterations: 2, grain: 10, ..Problem::DEFAULT };

    fn figures(kernel: Kernel, wrong: Option<&str>) -> Figures {
        let measured = Measured { seconds: vec![0.5, 0.25], wrong: wrong.map(Into::into) };
        Figures::of(kernel, Strategy::Rayon, &PROBLEM, &measured, Typical::Average)
    }

    #[test]
    fn the_rate_is_the_work_divided_by_the_average_time() {
        let count = figures(Kernel::Count, None);
        assert_eq!((count.seconds_min, count.seconds_avg, count.rate), (0.25, 0.375, Some(7.0 / 0.375)));
        // The interior of a 7x7 grid has 9 points with 19 operations each.
        assert_eq!(figures(Kernel::Stencil, None).rate, Some(9.0 * 19.0 / 1e6 / 0.375));
        assert_eq!(figures(Kernel::Count, Some("wrong")).rate, None);
        let measured = Measured { seconds: vec![0.1, 0.5, 0.9, 0.7, 0.2], wrong: None };
        let median = Figures::of(Kernel::Count, Strategy::Rayon, &PROBLEM, &measured, Typical::Median);
        assert_eq!((median.rate, median.seconds_quartiles, median.iterations), (Some(7.0 / 0.5), [0.2, 0.7], 5));
    }

    #[test]
    fn work_and_memory_are_those_of_the_definitions() {
        for (kernel, work, bytes) in [
            (Kernel::Nstream, 32.0 * 1000.0 / 1e6, 3 * 8000),
            (Kernel::Stencil, 19.0 * 996.0 * 996.0 / 1e6, 2 * 8_000_000),
            (Kernel::Transpose, 16.0 * 1e6 / 1e6, 2 * 8_000_000),
            (Kernel::Pipeline, 2.0 * 999.0 * 999.0 / 1e6, 8_000_000),
            (Kernel::Count, 1000.0, 0),
            (Kernel::DoSomething, 1000.0, 8000),
            (Kernel::Waiting, 1000.0, 0),
            (Kernel::Grain, 1000.0, 0),
        ] {
            assert_eq!((kernel.work(1000), kernel.bytes(1000)), (work, bytes), "{kernel}");
        }
    }

    #[test]
    fn figures_are_printed_as_text_and_as_json() {
        let count = figures(Kernel::Count, None);
        assert_eq!(
            count.to_string(),
            "count of size 7 by rayon, workers: 3, iterations: 2: 18.7 tasks/s \
             (median 375.000 ms, half of them 250.000 to 500.000; average 375.000, best 250.000)"
        );
        assert_eq!(serde_json::from_str::<Figures>(&count.json()).unwrap(), count);
        assert!(!count.json().contains("threads"), "{}", count.json());
        let hybrid = Figures { threads: 2, ..count };
        assert!(hybrid.to_string().contains("workers: 3, threads of each: 2, iterations: 2: "), "{hybrid}");
        let json = hybrid.json();
        assert!(json.contains(r#""workers":3,"threads":2,"size":7"#), "{json}");
        assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), hybrid);
        let wrong = figures(Kernel::Stencil, Some("wrong"));
        assert!(wrong.to_string().contains("iterations: 2: wrong result ("), "{wrong}");
        let json = wrong.json();
        assert!(json.contains(r#""rate":null,"unit":"MFlops/s","valid":false"#), "{json}");
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        for kernel in Kernel::value_variants() {
            assert_eq!(kernel.to_string(), kernel.to_possible_value().unwrap().get_name());
            assert!((kernel.least_size()..=kernel.most_size()).contains(&kernel.default_size()));
            assert!(kernel.default_size() >= 100, "a default size has enough work for a measurement");
        }
        for strategy in Strategy::value_variants() {
            assert_eq!(strategy.to_string(), strategy.to_possible_value().unwrap().get_name());
        }
    }

    #[test]
    fn this_chapter_solves_serially_and_by_rayon() {
        for kernel in Kernel::value_variants() {
            assert!(kernel.work(PROBLEM.size) > 0.0);
            for strategy in [Strategy::Serial, Strategy::Rayon] {
                let measured = kernel.solve(strategy, &PROBLEM).map(Result::unwrap);
                let right = kernel.strategies().contains(&strategy).then_some((2, None));
                assert_eq!(measured.map(|measured| (measured.seconds.len(), measured.wrong)), right);
            }
            assert!(kernel.solve(Strategy::Threads, &PROBLEM).is_none());
        }
    }

    #[test]
    fn laps_time_all_iterations_but_the_first() {
        let mut calls = 0;
        assert_eq!(laps(3, || calls += 1).len(), 3);
        assert_eq!(calls, 4);
    }

    #[test]
    fn a_grid_that_does_not_fit_in_the_memory_is_an_error() {
        let error = stencil::grids(1 << 30, 0..1 << 30).unwrap_err().to_string();
        assert!(error.starts_with("the input grid: out of memory: "), "{error}");
    }
}

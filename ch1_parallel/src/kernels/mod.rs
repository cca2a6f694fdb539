//! The problems that every strategy solves, and how a solution is timed, checked and reported.
//!
//! The definitions and the rates are those of the Parallel Research Kernels (Van der Wijngaart and Mattson, "The Parallel
//! Research Kernels", IEEE HPEC 2014). The serial and rayon solutions are here. The solutions of another strategy are in its
//! chapter under the same path, for example `ch2_threads/src/kernels/stencil.rs`.

pub mod args;
pub mod count;
pub mod stencil;
mod timing;

use std::fmt;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use course::lanes;
pub use timing::{Laps, laps};

/// A problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Kernel {
    /// Independent tasks that count: bound by the processor
    Count,
    /// A star-shaped stencil on a grid: bound by the memory
    Stencil,
}

/// A way to solve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
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
        })
    }
}

/// A problem of a certain size, and the number of workers that solve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// The size: the number of tasks, or the side of the grid.
    pub size: usize,
    /// The number of threads, processes or ranks.
    pub workers: usize,
    /// The number of timed iterations. One more iteration before them is not timed.
    pub iterations: usize,
    /// The number to which a task of `count` counts.
    pub grain: u64,
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
    /// The size of the problem.
    pub size: usize,
    /// The number of timed iterations.
    pub iterations: usize,
    /// Seconds of the fastest iteration.
    pub seconds_min: f64,
    /// Seconds of an iteration on average.
    pub seconds_avg: f64,
    /// Work per second in `unit`, from the average time; `None` if the result is wrong.
    pub rate: Option<f64>,
    /// The unit of the rate.
    pub unit: String,
    /// Whether the exact check passed.
    pub valid: bool,
}

impl Kernel {
    /// The name of the kernel on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Stencil => "stencil",
        }
    }

    /// The size that is used when none is given.
    #[must_use]
    pub fn default_size(self) -> usize {
        match self {
            Self::Count => 1000,
            Self::Stencil => 2000,
        }
    }

    /// The unit of the rate.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Count => "tasks/s",
            Self::Stencil => "MFlops/s",
        }
    }

    /// The work of one iteration. Work per second has the unit [`unit`](Self::unit).
    #[must_use]
    pub fn work(self, size: usize) -> f64 {
        match self {
            Self::Count => size as f64,
            Self::Stencil => stencil::flops(size) / 1e6,
        }
    }

    /// The smallest size that makes sense.
    #[must_use]
    pub fn least_size(self) -> usize {
        match self {
            Self::Count => 1,
            Self::Stencil => 2 * stencil::RADIUS + 1,
        }
    }

    /// The largest size that the kernel accepts.
    #[must_use]
    pub fn most_size(self) -> usize {
        match self {
            Self::Count => u32::MAX as usize,
            // The two grids then take 64 GiB.
            Self::Stencil => 1 << 16,
        }
    }

    /// Solves the problem with a strategy of this chapter. Returns `None` for the strategy of another chapter.
    #[must_use]
    pub fn solve(self, strategy: Strategy, problem: &Problem) -> Option<anyhow::Result<Measured>> {
        Some(match (self, strategy) {
            (Self::Count, Strategy::Serial) => Ok(count::serial(problem)),
            (Self::Count, Strategy::Rayon) => count::rayon(problem),
            (Self::Stencil, Strategy::Serial) => stencil::serial(problem),
            (Self::Stencil, Strategy::Rayon) => stencil::rayon(problem),
            _ => return None,
        })
    }
}

impl Figures {
    /// The figures of `measured`.
    #[must_use]
    pub fn of(kernel: Kernel, strategy: Strategy, problem: &Problem, measured: &Measured) -> Self {
        let total: f64 = measured.seconds.iter().sum();
        let seconds_avg = total / measured.seconds.len().max(1) as f64;
        let valid = measured.wrong.is_none();
        Self {
            kernel,
            strategy,
            workers: problem.workers,
            size: problem.size,
            iterations: problem.iterations,
            seconds_min: measured.seconds.iter().copied().fold(f64::INFINITY, f64::min),
            seconds_avg,
            rate: valid.then(|| kernel.work(problem.size) / seconds_avg),
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
        let Self { kernel, strategy, workers, size, iterations, seconds_min, seconds_avg, .. } = self;
        write!(f, "{kernel} of size {size} by {strategy}, workers: {workers}, iterations: {iterations}: ")?;
        match self.rate {
            Some(rate) => write!(f, "{rate:.1} {}", self.unit)?,
            None => write!(f, "wrong result")?,
        }
        write!(f, " ({:.3} ms on average, {:.3} ms at best)", seconds_avg * 1e3, seconds_min * 1e3)
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

    const PROBLEM: Problem = Problem { size: 7, workers: 3, iterations: 2, grain: 10 };

    fn figures(kernel: Kernel, wrong: Option<&str>) -> Figures {
        let measured = Measured { seconds: vec![0.5, 0.25], wrong: wrong.map(Into::into) };
        Figures::of(kernel, Strategy::Rayon, &PROBLEM, &measured)
    }

    #[test]
    fn the_rate_is_the_work_divided_by_the_average_time() {
        let count = figures(Kernel::Count, None);
        assert_eq!((count.seconds_min, count.seconds_avg, count.rate), (0.25, 0.375, Some(7.0 / 0.375)));
        // The interior of a 7x7 grid has 9 points with 19 operations each.
        assert_eq!(figures(Kernel::Stencil, None).rate, Some(9.0 * 19.0 / 1e6 / 0.375));
        assert_eq!(figures(Kernel::Count, Some("wrong")).rate, None);
    }

    #[test]
    fn figures_are_printed_as_text_and_as_json() {
        let count = figures(Kernel::Count, None);
        assert_eq!(
            count.to_string(),
            "count of size 7 by rayon, workers: 3, iterations: 2: 18.7 tasks/s (375.000 ms on average, 250.000 ms at best)"
        );
        assert_eq!(serde_json::from_str::<Figures>(&count.json()).unwrap(), count);
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
            assert!(kernel.default_size() >= 1000, "a default size has enough work for a measurement");
        }
        for strategy in Strategy::value_variants() {
            assert_eq!(strategy.to_string(), strategy.to_possible_value().unwrap().get_name());
        }
    }

    #[test]
    fn this_chapter_solves_serially_and_by_rayon() {
        for kernel in Kernel::value_variants() {
            for strategy in [Strategy::Serial, Strategy::Rayon] {
                let measured = kernel.solve(strategy, &PROBLEM).unwrap().unwrap();
                assert_eq!((measured.seconds.len(), measured.wrong), (2, None));
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

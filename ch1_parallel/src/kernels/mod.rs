//! The problems that every strategy solves, and how a solution is timed, checked and reported.
//!
//! Definitions and rates are those of the Parallel Research Kernels (Van der Wijngaart and Mattson, "The Parallel Research
//! Kernels", IEEE HPEC 2014). The serial and rayon solutions are here; the others stand in their own chapter under the same
//! path.

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

/// One problem of one size, and who solves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// The size, in the kernel's own measure: tasks, or the side of a grid.
    pub size: usize,
    /// How many threads, processes or ranks.
    pub workers: usize,
    /// How many timed iterations; one untimed goes before them.
    pub iterations: usize,
    /// How far a task of `count` counts.
    pub grain: u64,
}

/// A solution's times and the result of its check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds of each timed iteration.
    pub seconds: Vec<f64>,
    /// Why the result is wrong, if it is.
    pub wrong: Option<String>,
}

/// A measured solution in the words of the command line: one line of `--json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The problem.
    pub kernel: Kernel,
    /// How it was solved.
    pub strategy: Strategy,
    /// By how many.
    pub workers: usize,
    /// Of which size.
    pub size: usize,
    /// In how many timed iterations.
    pub iterations: usize,
    /// Of the fastest iteration.
    pub seconds_min: f64,
    /// On the average.
    pub seconds_avg: f64,
    /// Work per second in `unit`, from the average time; none if the result is wrong.
    pub rate: Option<f64>,
    /// The unit of the rate.
    pub unit: String,
    /// Whether the exact check passed.
    pub valid: bool,
}

impl Kernel {
    /// Its name on the command line.
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

    /// The work of one iteration, such that work per second is in [`unit`](Self::unit).
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

    /// The largest size whose data has a length that can be counted.
    #[must_use]
    pub fn most_size(self) -> usize {
        match self {
            Self::Count => u32::MAX as usize,
            // Two grids of this side are 64 GiB.
            Self::Stencil => 1 << 16,
        }
    }

    /// Solves the problem with a strategy of this chapter: `None` for another chapter's.
    #[must_use]
    pub fn solve(self, strategy: Strategy, problem: &Problem) -> Option<anyhow::Result<Measured>> {
        Some(match (self, strategy) {
            (Self::Count, Strategy::Serial) => Ok(count::serial(problem)),
            (Self::Count, Strategy::Rayon) => count::rayon(problem),
            (Self::Stencil, Strategy::Serial) => Ok(stencil::serial(problem)),
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
        // Plain numbers and names always have a JSON form.
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
        write!(f, " ({:.3} ms on the average, {:.3} ms at best)", seconds_avg * 1e3, seconds_min * 1e3)
    }
}

/// A rayon pool with `workers` threads.
///
/// # Errors
/// The system gave no thread.
pub fn pool(workers: usize) -> anyhow::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(workers).build().with_context(|| format!("a pool of {workers} threads"))
}

/// The lane of the pool's thread that this is called on, for as long as it does something.
fn pool_lane() -> lanes::Lane {
    lanes::lane(format_args!("worker {}", rayon::current_thread_index().unwrap_or(0)))
}

//! The problems that every strategy solves, and how a solution is timed, checked and reported.
//!
//! The definitions and the rates are those of the Parallel Research Kernels (Van der Wijngaart and Mattson, "The Parallel
//! Research Kernels", IEEE HPEC 2014). The serial and rayon solutions are here. The solutions of another strategy are in its
//! chapter under the same path, for example `ch2_threads/src/kernels/stencil.rs`.

pub mod args;
pub mod count;
pub mod stencil;

use std::fmt;
use std::time::Instant;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use course::lanes;

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

/// Times the iterations of a solution in one worker. `iterate` must return only when all workers have done the iteration.
pub fn laps(iterations: usize, mut iterate: impl FnMut()) -> Vec<f64> {
    iterate();
    let mut seconds = Vec::with_capacity(iterations);
    let mut last = Instant::now();
    for _ in 0..iterations {
        iterate();
        let now = Instant::now();
        seconds.push((now - last).as_secs_f64());
        last = now;
    }
    seconds
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

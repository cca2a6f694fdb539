//! The flags that describe a problem, for the programs `kernel` and `kernel_mpi`.

use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::ensure;

use super::{Figures, Kernel, Measured, Problem, Strategy};

/// The flags that describe a problem.
#[derive(Clone, Debug, clap::Args)]
pub struct ProblemArgs {
    /// Number of threads, processes or ranks; without this flag, the number of cores
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub workers: Option<u16>,
    /// Number of tasks of count (default 1000), or the side of stencil's grid (default 2000)
    #[arg(long, value_name = "N")]
    pub size: Option<usize>,
    /// Number of timed iterations
    #[arg(long, value_name = "I", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub iterations: u32,
    /// The number to which each task of count counts
    #[arg(long, value_name = "G", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(..=1 << 32))]
    pub grain: u64,
    /// Prints one line of JSON
    #[arg(long)]
    pub json: bool,
}

impl ProblemArgs {
    /// The problem that the flags describe for this kernel.
    ///
    /// # Errors
    /// The size is too small or too large for the kernel.
    pub fn problem(&self, kernel: Kernel) -> Result<Problem, String> {
        let size = self.size.unwrap_or(kernel.default_size());
        let (least, most) = (kernel.least_size(), kernel.most_size());
        if !(least..=most).contains(&size) {
            return Err(format!("invalid value '{size}' for '--size <N>': {kernel} takes {least} to {most}"));
        }
        let cores = available_parallelism().map_or(1, NonZero::get);
        let workers = self.workers.map_or(cores, usize::from);
        Ok(Problem { size, workers, iterations: self.iterations as usize, grain: self.grain })
    }

    /// Prints the figures of a solution, as text or as JSON.
    ///
    /// # Errors
    /// The result is wrong.
    pub fn report(
        &self,
        kernel: Kernel,
        strategy: Strategy,
        problem: &Problem,
        measured: &Measured,
    ) -> anyhow::Result<()> {
        let figures = Figures::of(kernel, strategy, problem, measured);
        println!("{}", if self.json { figures.json() } else { figures.to_string() });
        let wrong = measured.wrong.as_deref().unwrap_or_default();
        ensure!(wrong.is_empty(), "{kernel} by {strategy}: {wrong}");
        Ok(())
    }
}

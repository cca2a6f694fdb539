//! The flags that describe a problem, for the programs `kernel` and `kernel_mpi`.

use std::io::{Write, stderr};

use anyhow::ensure;

use super::grain::Pattern;
use super::timing::warm_up;
use super::{Figures, Kernel, Measured, Problem, Strategy, Typical};

/// How long the iterations of a measurement take, warm-up included, if the flags do not say how many there are.
const SECONDS: f64 = 2.0;

/// The flags that describe a problem.
#[derive(Clone, Debug, clap::Args)]
pub struct ProblemArgs {
    /// Number of threads, processes or ranks; for waiting, the number of requests in flight. Without this flag: the number of
    /// cores, divided by that of --threads; for waiting, 100
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub workers: Option<u16>,
    /// Number of threads of each rank, for stencil with the strategy mpi [default: 1]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub threads: Option<u16>,
    /// Size: the length of nstream's vectors (default 4000000); the side of the grid or matrix of stencil, pipeline (2000) and
    /// transpose (2048); the number of tasks of count (1000); the number of numbers of do_something (1000000); the number of
    /// requests of waiting (100); the number of steps of grain (1000)
    #[arg(long, value_name = "N")]
    pub size: Option<usize>,
    /// Number of timed iterations; the rate uses their average. Without this flag: about 2 s of iterations (5 or more); the
    /// warm-up is left out, and the rate uses the median
    #[arg(long, value_name = "I", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub iterations: Option<u32>,
    /// The number to which each task of count or grain counts
    #[arg(long, value_name = "G", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(..=1 << 32))]
    pub grain: u64,
    /// How long each request of waiting waits for its answer, in microseconds
    #[arg(long, value_name = "US", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(..=10_000_000))]
    pub wait: u32,
    /// Which tasks of grain need the values of which tasks of the step before
    #[arg(long, value_name = "P", default_value = "stencil_1d")]
    pub pattern: Pattern,
    /// Prints one line of JSON
    #[arg(long)]
    pub json: bool,
}

impl ProblemArgs {
    /// The problem that the flags describe for this kernel and this strategy.
    ///
    /// # Errors
    /// The size is too small or too large for the kernel, or its workers have no threads.
    pub fn problem(&self, kernel: Kernel, strategy: Strategy) -> Result<Problem, String> {
        let size = self.size.unwrap_or(kernel.default_size());
        let (least, most) = (kernel.least_size(), kernel.most_size());
        if !(least..=most).contains(&size) {
            return Err(format!("invalid value '{size}' for '--size <N>': {kernel} takes {least} to {most}"));
        }
        if let Some(threads) = self.threads
            && (kernel, strategy) != (Kernel::Stencil, Strategy::Mpi)
        {
            return Err(format!(
                "'--threads {threads}' is for the kernel stencil with the strategy mpi, not for {kernel} with {strategy}"
            ));
        }
        let threads = self.threads.map_or(1, usize::from);
        let workers = self.workers.map_or_else(|| (kernel.default_workers() / threads).max(1), usize::from);
        let iterations = self.iterations.unwrap_or(1) as usize;
        Ok(Problem { size, workers, threads, iterations, grain: self.grain, wait: self.wait, pattern: self.pattern })
    }

    /// Measures a solution: with the iterations that the flags ask for, or with as many as fit into 2 s.
    ///
    /// # Errors
    /// Those of `solve`.
    pub fn measure(
        &self,
        problem: &Problem,
        solve: impl Fn(&Problem) -> anyhow::Result<Measured>,
    ) -> anyhow::Result<Measured> {
        if self.iterations.is_some() {
            return solve(problem);
        }
        let probe = solve(&Problem { iterations: 3, ..*problem })?;
        let once = probe.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let iterations = (SECONDS / once.max(1e-9)) as usize;
        solve(&Problem { iterations: iterations.clamp(5, 100_000), ..*problem })
    }

    /// Prints the figures of a solution, as text or as JSON. Without `--iterations` the warm-up does not count, and a
    /// remark on stderr says how many iterations it has.
    ///
    /// # Errors
    /// The result is wrong.
    pub fn report(
        &self,
        kernel: Kernel,
        strategy: Strategy,
        problem: &Problem,
        mut measured: Measured,
    ) -> anyhow::Result<()> {
        let typical = if self.iterations.is_some() { Typical::Average } else { Typical::Median };
        if typical == Typical::Median {
            let (count, still) = warm_up(&measured.seconds);
            // Not `sum`: that of no numbers is -0.
            let seconds = measured.seconds.drain(..count).fold(0.0, |sum, lap| sum + lap);
            let rest = if still { "" } else { "; later times still changed" };
            // A remark that cannot be printed is no reason to fail.
            let _ = writeln!(stderr(), "remark: warm-up: {count} iterations in {:.0} ms{rest}", seconds * 1e3);
        }
        let figures = Figures::of(kernel, strategy, problem, &measured, typical);
        println!("{}", if self.json { figures.json() } else { figures.to_string() });
        let wrong = measured.wrong.as_deref().unwrap_or_default();
        ensure!(wrong.is_empty(), "{kernel} by {strategy}: {wrong}");
        Ok(())
    }
}

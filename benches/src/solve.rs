//! Which strategies solve which kernel, and the call that solves it.

use anyhow::bail;
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};
use clap::ValueEnum;

use crate::{machine, mpi};

/// All pairs, one line for each kernel.
#[must_use]
pub fn pairs() -> String {
    let line = |kernel: &Kernel| {
        let strategies: Vec<_> = kernel.strategies().iter().map(|strategy| strategy.to_string()).collect();
        format!("  {kernel:12} {}", strategies.join(", "))
    };
    Kernel::value_variants().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Solves a problem: in this process, in its children, or in the ranks of a job that it starts.
///
/// # Errors
/// The problem does not fit in the memory, MPI is missing, or a process or a job fails.
pub fn solve(kernel: Kernel, strategy: Strategy, problem: &Problem) -> anyhow::Result<Measured> {
    fits(kernel, problem.size)?;
    match strategy {
        Strategy::Serial | Strategy::Rayon => {
            kernel.solve(strategy, problem).unwrap_or_else(|| bail!("{}", kernel.no_pair(strategy)))
        }
        Strategy::Threads => ch2_threads::kernels::solve(kernel, problem),
        Strategy::Processes => ch3_processes::kernels::solve(kernel, problem),
        Strategy::Mpi => mpi::solve(kernel, problem),
        Strategy::Async => ch5_async::kernels::solve(kernel, problem),
    }
}

/// Checks that the data of a problem fits in the free memory.
///
/// # Errors
/// It does not fit.
pub fn fits(kernel: Kernel, size: usize) -> anyhow::Result<()> {
    let needs = kernel.bytes(size);
    match machine::free_memory() {
        Some(free) if needs > free => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            bail!("{kernel} of size {size}: needs {:.1} GiB of memory, {:.1} GiB are free", gib(needs), gib(free))
        }
        _ => Ok(()),
    }
}

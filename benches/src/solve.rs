//! Which strategies solve which kernel, and the call that solves it.

use anyhow::bail;
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};
use clap::ValueEnum;

use crate::{machine, mpi};

/// Whether a strategy solves a kernel.
#[must_use]
pub fn is_pair(kernel: Kernel, strategy: Strategy) -> bool {
    strategies(kernel).any(|known| known == strategy)
}

/// The strategies that solve a kernel.
pub fn strategies(kernel: Kernel) -> impl Iterator<Item = Strategy> {
    match kernel {
        Kernel::Nstream
        | Kernel::Stencil
        | Kernel::Transpose
        | Kernel::Pipeline
        | Kernel::Count
        | Kernel::DoSomething => Strategy::value_variants().iter().copied(),
    }
}

/// All pairs, one line for each kernel.
#[must_use]
pub fn pairs() -> String {
    let line = |kernel: &Kernel| {
        let strategies: Vec<_> = strategies(*kernel).map(|strategy| strategy.to_string()).collect();
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
        Strategy::Serial | Strategy::Rayon => kernel.solve(strategy, problem).expect("chapter 1 has both strategies"),
        Strategy::Threads => ch2_threads::kernels::solve(kernel, problem),
        Strategy::Processes => ch3_processes::kernels::solve(kernel, problem),
        Strategy::Mpi => mpi::solve(kernel, problem),
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

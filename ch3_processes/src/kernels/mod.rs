//! The kernels, solved by processes that share memory.
//!
//! The workers are started once for a run, and meet at a barrier after each iteration. If a worker fails, the run ends.

pub mod count;
pub mod stencil;
mod workers;

use ch1_parallel::kernels::{Kernel, Measured, Problem};

/// The list of the functions that these kernels run in children. It is the first line of `main` of every program that solves
/// kernels by processes: in a child it calls the function and ends the process.
pub fn init() {
    crate::children![count::worker, stencil::worker];
}

/// Solves a kernel by `problem.workers` processes.
///
/// # Errors
/// The system gave no process or no shared memory, or a worker died.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Count => count::processes(problem),
        Kernel::Stencil => stencil::processes(problem),
    }
}

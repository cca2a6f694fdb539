//! The kernels, solved by processes that share memory.
//!
//! The workers are started once for a run. If a worker fails, the run ends.

pub mod count;
pub mod do_something;
pub mod grain;
pub mod nstream;
pub mod pipeline;
pub mod stencil;
pub mod transpose;
mod workers;

use anyhow::bail;
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};

/// The list of the functions that these kernels run in children. It is the first line of `main` of every program that solves
/// kernels by processes: in a child it calls the function and ends the process.
pub fn init() {
    crate::children![
        count::worker,
        do_something::worker,
        grain::worker,
        nstream::worker,
        pipeline::worker,
        stencil::worker,
        transpose::worker
    ];
}

/// Solves a kernel by `problem.workers` processes.
///
/// # Errors
/// The system gave no process or no shared memory, or a worker died.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Nstream => nstream::processes(problem),
        Kernel::Transpose => transpose::processes(problem),
        Kernel::Pipeline => pipeline::processes(problem),
        Kernel::DoSomething => do_something::processes(problem),
        Kernel::Count => count::processes(problem),
        Kernel::Stencil => stencil::processes(problem),
        Kernel::Grain => grain::processes(problem),
        Kernel::Waiting => bail!("{}", kernel.no_pair(Strategy::Processes)),
    }
}

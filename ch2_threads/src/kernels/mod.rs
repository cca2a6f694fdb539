//! The kernels solved by scoped threads, which live for one run and meet at a barrier.

pub mod count;
pub mod stencil;

use ch1_parallel::kernels::{Kernel, Measured, Problem};

/// Solves the problem with scoped threads.
#[must_use]
pub fn solve(kernel: Kernel, problem: &Problem) -> Measured {
    match kernel {
        Kernel::Count => count::threads(problem),
        Kernel::Stencil => stencil::threads(problem),
    }
}

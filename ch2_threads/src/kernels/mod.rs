//! The kernels solved by scoped threads, which live for one run and meet at a barrier after each iteration.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solve_solves_each_kernel_and_times_each_iteration_but_the_first() {
        let problem = Problem { size: 37, workers: 3, iterations: 4, grain: 100 };
        for kernel in [Kernel::Count, Kernel::Stencil] {
            let measured = solve(kernel, &problem);
            assert_eq!((measured.wrong, measured.seconds.len()), (None, 4), "{kernel:?}");
            assert!(measured.seconds.iter().all(|seconds| (0.0..60.0).contains(seconds)), "{:?}", measured.seconds);
        }
    }
}

//! The kernels solved by scoped threads, which live for one run and meet at a barrier after each iteration.

pub mod count;
pub mod do_something;
pub mod grain;
pub mod nstream;
pub mod pipeline;
pub mod stencil;
pub mod transpose;
pub mod waiting;

use ch1_parallel::kernels::{Kernel, Measured, Problem};

/// Solves the problem with scoped threads.
///
/// # Errors
/// The data of the problem does not fit in the memory, or the clock of an iteration was not stopped exactly once.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Nstream => nstream::threads(problem),
        Kernel::Transpose => transpose::threads(problem),
        Kernel::Pipeline => pipeline::threads(problem),
        Kernel::DoSomething => do_something::threads(problem),
        Kernel::Count => count::threads(problem),
        Kernel::Stencil => stencil::threads(problem),
        Kernel::Waiting => waiting::threads(problem),
        Kernel::Grain => grain::threads(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ch1_parallel::kernels::grain::Pattern;
    use clap::ValueEnum;

    #[test]
    fn every_kernel_is_right_at_any_size_with_any_number_of_workers() {
        for kernel in Kernel::value_variants() {
            // The random numbers are made in blocks of 4096.
            let large = if *kernel == Kernel::DoSomething { 10_000 } else { 64 };
            for size in [kernel.least_size(), 7, 8, 13, large] {
                for workers in [1, 2, 3, 7, 64] {
                    let problem = Problem { size, workers, iterations: 3, grain: 100, ..Problem::DEFAULT };
                    let measured = solve(*kernel, &problem).unwrap();
                    assert_eq!(measured.wrong, None, "{kernel} of size {size}, {workers} workers");
                    assert_eq!(measured.seconds.len(), 3);
                    assert!(measured.seconds.iter().all(|seconds| (0.0..60.0).contains(seconds)));
                }
            }
        }
    }

    #[test]
    fn graphs_of_every_pattern_and_width_are_right() {
        for &pattern in Pattern::value_variants() {
            for workers in [1, 2, 3, 4, 5, 7, 8] {
                let problem = Problem { size: 40, workers, iterations: 3, grain: 10, pattern, ..Problem::DEFAULT };
                let measured = solve(Kernel::Grain, &problem).unwrap();
                assert_eq!((measured.wrong, measured.seconds.len()), (None, 3), "{problem:?}");
            }
        }
    }
}

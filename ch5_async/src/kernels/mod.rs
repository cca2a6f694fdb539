//! The kernels solved by asynchronous tasks.

pub mod grain;
pub mod waiting;

use anyhow::bail;
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};

/// Solves the problem with tasks.
///
/// # Errors
/// Tasks do not solve this kernel, or the system gives no event loop.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    match kernel {
        Kernel::Grain => grain::tasks(problem),
        Kernel::Waiting => waiting::tasks(problem),
        _ => bail!("{}", kernel.no_pair(Strategy::Async)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ch1_parallel::kernels::grain::Pattern;
    use clap::ValueEnum;

    #[test]
    fn every_kernel_is_right_at_any_size_with_any_number_of_workers() {
        for &kernel in Kernel::value_variants() {
            for (size, workers) in [(1, 1), (1, 3), (7, 1), (7, 3), (7, 12), (64, 5)] {
                let problem = Problem { size, workers, iterations: 3, ..Problem::DEFAULT };
                let solved = solve(kernel, &problem);
                if kernel.strategies().contains(&Strategy::Async) {
                    let measured = solved.unwrap();
                    assert_eq!((measured.seconds.len(), measured.wrong), (3, None), "{kernel}: {problem:?}");
                } else {
                    solved.unwrap_err();
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

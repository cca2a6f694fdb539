//! What a comparison measures: which problems, how many times, beside which programs in other languages.

use ch1_parallel::kernels::{Kernel, Problem, Strategy, median};
use clap::ValueEnum;

use crate::peers::{self, Peer};
use crate::solve::solve;

/// How far a task of `count` counts in a comparison: some 17 µs of work.
const GRAIN: u64 = 10_000;

/// How long a request of `waiting` waits in a comparison, in microseconds.
const WAIT: u32 = 5000;

/// What a comparison measures.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number of threads, processes or ranks of the parallel strategies.
    pub workers: usize,
    /// How many times each strategy solves each problem. The strategies take turns, so that noise on the machine affects
    /// all alike.
    pub rounds: usize,
    /// The seconds that the serial solution of a problem should take in a round.
    pub seconds: f64,
    /// The sizes of each kernel, the smallest first.
    pub sizes: Vec<(Kernel, Vec<usize>)>,
    /// The programs in other languages that solve the same problems.
    pub peers: Vec<Peer>,
}

impl Plan {
    /// A thorough comparison.
    #[must_use]
    pub fn full(workers: usize) -> Self {
        let sizes = vec![
            (Kernel::Nstream, vec![1000, 10_000, 100_000, 1_000_000, 16_000_000]),
            (Kernel::Stencil, vec![50, 100, 200, 500, 1000, 2000, 4000]),
            (Kernel::Transpose, vec![64, 256, 1024, 2048]),
            (Kernel::Pipeline, vec![50, 200, 1000, 2000]),
            (Kernel::Count, vec![2, 10, 100, 1000, 10_000]),
            (Kernel::DoSomething, vec![8192, 100_000, 1_000_000, 10_000_000]),
            (Kernel::Waiting, vec![1, 10, 100]),
        ];
        Self { workers, rounds: 5, seconds: 0.15, sizes, peers: Vec::new() }
    }

    /// A short comparison.
    #[must_use]
    pub fn quick(workers: usize) -> Self {
        let sizes = vec![
            (Kernel::Nstream, vec![1000, 1_000_000]),
            (Kernel::Stencil, vec![50, 500, 2000]),
            (Kernel::Transpose, vec![64, 1024]),
            (Kernel::Pipeline, vec![50, 1000]),
            (Kernel::Count, vec![2, 100, 1000]),
            (Kernel::DoSomething, vec![8192, 1_000_000]),
            (Kernel::Waiting, vec![1, 20]),
        ];
        Self { workers, rounds: 3, seconds: 0.05, sizes, peers: Vec::new() }
    }

    /// A comparison with the programs in other languages that can run here, at one size of each kernel.
    #[must_use]
    pub fn peers(workers: usize) -> Self {
        let sizes =
            Kernel::value_variants().iter().filter_map(|&kernel| Some((kernel, vec![peers::size(kernel)?]))).collect();
        Self { workers, rounds: 5, seconds: 0.1, sizes, peers: peers::found().to_vec() }
    }

    /// The problems of the plan. A large problem needs fewer iterations than a small one.
    ///
    /// # Errors
    /// A problem does not fit in the memory.
    pub fn problems(&self) -> anyhow::Result<Vec<(Kernel, Problem)>> {
        let mut problems = Vec::new();
        for (kernel, sizes) in &self.sizes {
            for &size in sizes {
                let mut problem = Problem { size, grain: GRAIN, wait: WAIT, ..Problem::DEFAULT };
                let once = median(&solve(*kernel, Strategy::Serial, &problem)?.seconds);
                problem.iterations = ((self.seconds / once) as usize).clamp(3, 2000);
                problem.workers = if *kernel == Kernel::Waiting { size } else { self.workers };
                problems.push((*kernel, problem));
            }
        }
        Ok(problems)
    }
}

//! `stencil` by scoped threads: each has a band of the grids to itself and borrows the edges of its neighbours' bands.

use ch1_parallel::kernels::stencil::{Edges, bands, check, initial, publish, sum, sweep};
use ch1_parallel::kernels::{Measured, Problem, laps};
use ch1_parallel::lanes;
use parking_lot::RwLock;

use crate::spin_barrier::SpinBarrier;
use crate::team::team;

/// Each thread sweeps its band. One barrier an iteration is enough, since edges are published in turn in two places: nobody
/// writes to a place again before all have passed the barrier that follows its last use.
#[must_use]
pub fn threads(problem: &Problem) -> Measured {
    let size = problem.size;
    let bands = bands(size, problem.workers);
    let edges: Vec<[RwLock<Edges>; 2]> =
        bands.iter().map(|_| [(); 2].map(|()| RwLock::new(Edges::new(size)))).collect();
    let barrier = SpinBarrier::new(problem.workers);

    let mut results = team(problem.workers, |worker| {
        let rows = bands[worker].clone();
        let mut input: Vec<f64> = initial(size, rows.clone()).collect();
        let mut output = vec![0.0; input.len()];
        let mut iteration = 0;
        let seconds = laps(problem.iterations, || {
            let place = iteration % 2;
            {
                let mut own = edges[worker][place].write();
                let Edges { first, last } = &mut *own;
                publish(&input, first, last);
            }
            lanes::wait("barrier", || barrier.wait());
            let above = worker.checked_sub(1).map(|above| edges[above][place].read());
            let below = edges.get(worker + 1).map(|below| below[place].read());
            let above = above.as_ref().map_or(&[][..], |edges| &edges.last);
            let below = below.as_ref().map_or(&[][..], |edges| &edges.first);
            sweep(size, rows.clone(), &mut input, &mut output, above, below);
            if iteration == problem.iterations {
                // The last lap ends when the slowest worker has done its part.
                lanes::wait("barrier", || barrier.wait());
            }
            iteration += 1;
        });
        (seconds, sum(&output))
    });
    let total = results.iter().map(|(_, sum)| sum).sum();
    let (seconds, _) = results.swap_remove(0);
    Measured { seconds, wrong: check(problem, total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_at_all_sizes_with_any_number_of_workers() {
        for size in [5, 6, 7, 13, 64] {
            for workers in [1, 2, 3, 7, 64] {
                let problem = Problem { size, workers, iterations: 3, grain: 0 };
                assert_eq!(threads(&problem).wrong, None, "size {size}, {workers} workers");
            }
        }
    }
}

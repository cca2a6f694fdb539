//! `stencil` by scoped threads: each thread owns a band of the grids and borrows the edges of its neighbours' bands.

use ch1_parallel::kernels::stencil::{Edges, bands, check, initial, publish, sum, sweep};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use parking_lot::RwLock;

use crate::spin_barrier::SpinBarrier;
use crate::team::team;

/// Each thread sweeps its band.
///
/// A band's edges are published in two places in turn, so that one barrier an iteration is enough. While a slow thread still
/// reads the edges of this iteration, a fast thread publishes its next edges in the other place. The fast thread uses the first
/// place again only after the next barrier, and the slow thread arrives there only after it has read.
#[must_use]
pub fn threads(problem: &Problem) -> Measured {
    let size = problem.size;
    let bands = bands(size, problem.workers);
    let edges: Vec<[RwLock<Edges>; 2]> =
        bands.iter().map(|_| [(); 2].map(|()| RwLock::new(Edges::new(size)))).collect();
    let barrier = SpinBarrier::new(problem.workers);

    let done = team(problem.workers, |worker| {
        let rows = bands[worker].clone();
        let mut input: Vec<f64> = initial(size, rows.clone()).collect();
        let mut output = vec![0.0; input.len()];
        let publish = |place: usize, input: &[f64]| {
            let mut own = edges[worker][place].write();
            let Edges { first, last } = &mut *own;
            publish(input, first, last);
        };
        publish(0, &input);
        barrier.wait();
        let mut laps = Laps::default();
        for iteration in 0..=problem.iterations {
            let place = iteration % 2;
            {
                let above = worker.checked_sub(1).map(|above| edges[above][place].read());
                let below = edges.get(worker + 1).map(|below| below[place].read());
                let above = above.as_ref().map_or(&[][..], |edges| &edges.last);
                let below = below.as_ref().map_or(&[][..], |edges| &edges.first);
                sweep(size, rows.clone(), &mut input, &mut output, above, below);
            }
            publish(1 - place, &input);
            laps.end(lanes::wait("barrier", || barrier.wait()));
        }
        (laps, sum(&output))
    });
    let total = done.iter().map(|(_, sum)| sum).sum();
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))
        .expect("the barrier tells exactly one thread that it was the last");
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

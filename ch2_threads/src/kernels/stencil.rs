//! `stencil` by scoped threads: each thread owns a band of the grids and borrows the edges of its neighbours' bands.

use ch1_parallel::kernels::stencil::{Edges, bands, check, grids, publish, sum, sweep};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use parking_lot::RwLock;

use crate::spin_barrier::SpinBarrier;
use crate::team::prepared_team;

/// Each thread sweeps its band.
///
/// A band's edges are published in two places in turn, so that one barrier an iteration is enough. While a slow thread still
/// reads the edges of this iteration, a fast thread publishes its next edges in the other place. The fast thread uses the first
/// place again only after the next barrier, and the slow thread arrives there only after it has read.
///
/// # Errors
/// The grids do not fit in the memory, or the clock of an iteration was not stopped exactly once.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let bands = bands(size, problem.workers);
    let edges: Vec<[RwLock<Edges>; 2]> =
        bands.iter().map(|_| [(); 2].map(|()| RwLock::new(Edges::new(size)))).collect();
    let barrier = SpinBarrier::new(problem.workers);

    let prepare = |worker: usize| grids(size, bands[worker].clone());
    let done = prepared_team(problem.workers, prepare, |worker, (mut input, mut output)| {
        let rows = bands[worker].clone();
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
    })?;
    let total = done.iter().map(|(_, sum)| sum).sum();
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, total) })
}

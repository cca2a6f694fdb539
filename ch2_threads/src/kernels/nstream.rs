//! `nstream` by scoped threads: each thread owns its part of the vectors, and no thread needs the part of another one.

use ch1_parallel::kernels::nstream::{Vectors, check, part};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use crate::spin_barrier::SpinBarrier;
use crate::team::prepared_team;

/// Each thread computes its part. The barrier only ends the iteration.
///
/// # Errors
/// The vectors do not fit in the memory.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = SpinBarrier::new(problem.workers);
    let prepare = |worker| Vectors::new(part(problem.size, problem.workers, worker).len());
    let done = prepared_team(problem.workers, prepare, |_, mut vectors| {
        let mut laps = Laps::default();
        for _ in 0..=problem.iterations {
            vectors.iterate();
            laps.end(lanes::wait("barrier", || barrier.wait()));
        }
        (laps, vectors.right(problem.iterations + 1))
    })?;
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem.size, done.iter().map(|(_, right)| right).sum()) })
}

//! `transpose` by scoped threads: each thread owns some rows of B and the same columns of A.
//!
//! With this choice of parts no thread ever reads or writes the numbers of another thread, although every row of B needs
//! every row of A. Threads that each owned *rows* of both matrices would have to meet twice in an iteration: no thread may
//! increase its rows of A before all threads have read them.

use ch1_parallel::kernels::transpose::{Stripe, check, stripe};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use crate::spin_barrier::SpinBarrier;
use crate::team::prepared_team;

/// Each thread transposes its stripe. The barrier only ends the iteration.
///
/// # Errors
/// The matrices do not fit in the memory.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = SpinBarrier::new(problem.workers);
    let prepare = |worker| Stripe::new(problem, worker);
    let done = prepared_team(problem.workers, prepare, |_, mut part| {
        let mut laps = Laps::default();
        {
            let (mut columns_of_a, rows_of_b) = part.columns_and_rows();
            for _ in 0..=problem.iterations {
                stripe(&mut columns_of_a, rows_of_b);
                laps.end(lanes::wait("barrier", || barrier.wait()));
            }
        }
        (laps, part.difference(problem.iterations + 1))
    })?;
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem.size, done.iter().map(|(_, difference)| *difference).sum()) })
}

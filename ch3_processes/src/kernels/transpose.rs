//! `transpose` by processes: each worker holds rows of both matrices, and A lies in shared memory, where every worker reads it.
//!
//! No worker sends data. But a worker may increase its rows only after all workers have read them, and may read again only
//! after all rows are increased. So an iteration has two barriers, and a second pass over A. Workers that hold columns of A
//! (chapter 2) need neither; this file shows what shared reading costs.

use ch1_parallel::array::Array;
use ch1_parallel::kernels::transpose::{Difference, check, difference, initial_rows, rows, stripe};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use super::workers::run;
use crate::barrier::Barrier;
use crate::shared::{InUse, SharedArray};

/// Solves `transpose` with A in shared memory and two barriers in each iteration.
///
/// # Errors
/// The system gave no process or no memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let rows = (0..problem.workers).map(|worker| rows(problem.size, problem.workers, worker));
    let a = SharedArray::new(&rows.map(|rows| rows.len() * problem.size).collect::<Vec<_>>())?;
    let done = run(problem, worker, |number| (number, *problem, a.clone(), barrier.clone()))?;

    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem.size, done.iter().map(|(_, difference)| *difference).sum()) })
}

/// What a worker does. It returns the comparison of its rows of B with what they should be.
pub(super) fn worker(
    number: usize,
    problem: Problem,
    a: SharedArray<f64>,
    barrier: Barrier,
) -> anyhow::Result<(Laps, Difference)> {
    let (size, own) = (problem.size, rows(problem.size, problem.workers, number));
    {
        let mut rows_of_a = a.try_write(number)?;
        rows_of_a.iter_mut().zip(initial_rows(size, own.clone())).for_each(|(cell, value)| *cell = value);
    }
    let mut rows_of_b = Array::zeros("rows of B", own.len() * size)?;
    rows_of_b.fill(0.0);
    barrier.wait()?;

    let mut laps = Laps::default();
    for _ in 0..=problem.iterations {
        {
            let all = (0..problem.workers).map(|worker| a.try_read(worker)).collect::<Result<Vec<_>, InUse>>()?;
            // The columns of A that become the own rows of B.
            let mut columns: Vec<_> =
                all.iter().flat_map(|rows| rows.chunks_exact(size)).map(|row| &row[own.clone()]).collect();
            stripe(&mut columns, &mut rows_of_b);
        }
        lanes::wait("barrier: all have read", || barrier.wait())?;
        a.try_write(number)?.iter_mut().for_each(|cell| *cell += 1.0);
        laps.end(lanes::wait("barrier: all have increased", || barrier.wait())?);
    }
    Ok((laps, difference(size, own.start, &rows_of_b, problem.iterations + 1)))
}

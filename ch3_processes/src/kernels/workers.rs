//! The worker processes of a run.

use ch1_parallel::kernels::Problem;
use serde::Serialize;

use crate::process::{Function, join_all, spawn};

/// Runs `problem.workers` workers and returns their results. `arguments` gives the arguments for each worker's number.
pub fn run<A: Serialize, F: Function<A> + Copy>(
    problem: &Problem,
    worker: F,
    mut arguments: impl FnMut(usize) -> A,
) -> anyhow::Result<Vec<F::Value>> {
    let children = (0..problem.workers)
        .map(|number| spawn(format!("worker {number}"), worker, arguments(number)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(join_all(children)?)
}

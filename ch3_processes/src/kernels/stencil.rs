//! `stencil` by processes: both grids lie in one shared mapping, in which each worker holds its own [bands].
//!
//! A worker needs its neighbours' outermost rows as they were before this iteration. So each worker publishes a copy of its own
//! outermost rows, the edges, for the next iteration. There are two sets of edges, used in turn, so that one barrier an
//! iteration is enough: while a slow worker still reads the edges of iteration k, a fast worker may publish the edges of
//! iteration k+1, but in the other set. It publishes into the first set again only after the next barrier, which the slow
//! worker reaches when it has read.

use std::io;

use anyhow::Context;
use ch1_parallel::kernels::stencil::{RADIUS, bands, check, initial, publish, sum, sweep};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use serde::{Deserialize, Serialize};

use super::workers::run;
use crate::barrier::Barrier;
use crate::shared::{InUse, ReadGuard, SharedArray};

/// Solves `stencil` with bands and edges in one mapping and a barrier after each iteration.
///
/// # Errors
/// The system gave no process or no shared memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let grids = Grids::new(problem).with_context(|| format!("shared memory for two grids of side {}", problem.size))?;
    let done = run(problem, worker, |number| (number, *problem, grids.clone(), barrier.clone()))?;

    let total = done.iter().map(|(_, sum)| sum).sum();
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, total) })
}

/// The shared memory for W workers: W bands of `in`, W of `out`, and two sets of edges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grids {
    parts: SharedArray<f64>,
    workers: usize,
}

/// Which outermost rows of a band.
#[derive(Clone, Copy)]
enum Edge {
    First,
    Last,
}

impl Grids {
    fn new(problem: &Problem) -> io::Result<Self> {
        let bands = bands(problem.size, problem.workers);
        let cells = bands.iter().map(|rows| rows.len() * problem.size);
        let edges = bands.iter().map(|rows| if rows.is_empty() { 0 } else { RADIUS * problem.size });
        let lengths: Vec<usize> = cells.clone().chain(cells).chain((0..4).flat_map(|_| edges.clone())).collect();
        Ok(Self { parts: SharedArray::new(&lengths)?, workers: problem.workers })
    }

    fn input(&self, worker: usize) -> usize {
        worker
    }

    fn output(&self, worker: usize) -> usize {
        self.workers + worker
    }

    fn edge(&self, iteration: usize, edge: Edge, worker: usize) -> usize {
        let set = iteration % 2;
        (2 + 2 * set + edge as usize) * self.workers + worker
    }

    /// The edge of a neighbour; `None` beyond the border of the grid.
    fn neighbour(
        &self,
        iteration: usize,
        edge: Edge,
        worker: Option<usize>,
    ) -> Result<Option<ReadGuard<'_, f64>>, InUse> {
        let worker = worker.filter(|&worker| worker < self.workers);
        worker.map(|worker| self.parts.try_read(self.edge(iteration, edge, worker))).transpose()
    }
}

/// What a worker does. It returns its part of the sum.
pub(super) fn worker(number: usize, problem: Problem, grids: Grids, barrier: Barrier) -> anyhow::Result<(Laps, f64)> {
    let rows = bands(problem.size, problem.workers)[number].clone();
    // Held until the end. The worker that writes first to a page gets it from the memory that is nearest to its core.
    let mut input = grids.parts.try_write(grids.input(number))?;
    let mut output = grids.parts.try_write(grids.output(number))?;
    output.fill(0.0);
    for (cell, value) in input.iter_mut().zip(initial(problem.size, rows.clone())) {
        *cell = value;
    }
    let publish = |iteration, input: &[f64]| -> Result<(), InUse> {
        let mut first = grids.parts.try_write(grids.edge(iteration, Edge::First, number))?;
        let mut last = grids.parts.try_write(grids.edge(iteration, Edge::Last, number))?;
        publish(input, &mut first, &mut last);
        Ok(())
    };
    publish(0, &input)?;
    barrier.wait()?;

    let mut laps = Laps::default();
    for iteration in 0..=problem.iterations {
        {
            let above = grids.neighbour(iteration, Edge::Last, number.checked_sub(1))?;
            let below = grids.neighbour(iteration, Edge::First, Some(number + 1))?;
            let (above, below) = (above.as_deref().unwrap_or(&[]), below.as_deref().unwrap_or(&[]));
            sweep(problem.size, rows.clone(), &mut input, &mut output, above, below);
        }
        publish(iteration + 1, &input)?;
        laps.end(lanes::wait("barrier", || barrier.wait())?);
    }
    Ok((laps, sum(&output)))
}

//! `stencil` by processes: each worker holds its own [bands] of the grids, and only the edges of the bands lie in shared
//! memory.
//!
//! A worker needs its neighbours' outermost rows as they were before this iteration. So each worker publishes a copy of its own
//! outermost rows, the edges, for the next iteration. There are two sets of edges, used in turn, so that one barrier an
//! iteration is enough: while a slow worker still reads the edges of iteration k, a fast worker may publish the edges of
//! iteration k+1, but in the other set. It publishes into the first set again only after the next barrier, which the slow
//! worker reaches when it has read.

use std::io;

use anyhow::Context;
use ch1_parallel::kernels::stencil::{RADIUS, bands, check, grids, publish, sum, sweep};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use serde::{Deserialize, Serialize};

use super::workers::run;
use crate::barrier::Barrier;
use crate::shared::{InUse, ReadGuard, SharedArray};

/// Solves `stencil` with edges in shared memory and a barrier after each iteration.
///
/// # Errors
/// The system gave no process or no memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    let barrier = Barrier::new(problem.workers)?;
    let edges = Edges::new(problem).context("shared memory for the edges")?;
    let done = run(problem, worker, |number| (number, *problem, edges.clone(), barrier.clone()))?;

    let total = done.iter().map(|(_, sum)| sum).sum();
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, total) })
}

/// Two sets of edges, each with the first rows of every band and the last rows of every band.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Edges {
    parts: SharedArray<f64>,
    workers: usize,
}

/// Which outermost rows of a band.
#[derive(Clone, Copy)]
enum Edge {
    First,
    Last,
}

impl Edges {
    fn new(problem: &Problem) -> io::Result<Self> {
        let bands = bands(problem.size, problem.workers);
        let edges = bands.iter().map(|rows| if rows.is_empty() { 0 } else { RADIUS * problem.size });
        let lengths: Vec<usize> = (0..4).flat_map(|_| edges.clone()).collect();
        Ok(Self { parts: SharedArray::new(&lengths)?, workers: problem.workers })
    }

    fn part(&self, iteration: usize, edge: Edge, worker: usize) -> usize {
        let set = iteration % 2;
        (2 * set + edge as usize) * self.workers + worker
    }

    /// Copies the outermost rows of a worker's `input` to the edges for this iteration.
    fn publish(&self, iteration: usize, worker: usize, input: &[f64]) -> Result<(), InUse> {
        let mut first = self.parts.try_write(self.part(iteration, Edge::First, worker))?;
        let mut last = self.parts.try_write(self.part(iteration, Edge::Last, worker))?;
        publish(input, &mut first, &mut last);
        Ok(())
    }

    /// The edge of a neighbour; `None` beyond the border of the grid.
    fn neighbour(
        &self,
        iteration: usize,
        edge: Edge,
        worker: Option<usize>,
    ) -> Result<Option<ReadGuard<'_, f64>>, InUse> {
        let worker = worker.filter(|&worker| worker < self.workers);
        worker.map(|worker| self.parts.try_read(self.part(iteration, edge, worker))).transpose()
    }
}

/// What a worker does. It returns its part of the sum.
pub(super) fn worker(number: usize, problem: Problem, edges: Edges, barrier: Barrier) -> anyhow::Result<(Laps, f64)> {
    let rows = bands(problem.size, problem.workers)[number].clone();
    let (mut input, mut output) = grids(problem.size, rows.clone())?;
    edges.publish(0, number, &input)?;
    barrier.wait()?;

    let mut laps = Laps::default();
    for iteration in 0..=problem.iterations {
        {
            let above = edges.neighbour(iteration, Edge::Last, number.checked_sub(1))?;
            let below = edges.neighbour(iteration, Edge::First, Some(number + 1))?;
            let (above, below) = (above.as_deref().unwrap_or(&[]), below.as_deref().unwrap_or(&[]));
            sweep(problem.size, rows.clone(), &mut input, &mut output, above, below);
        }
        edges.publish(iteration + 1, number, &input)?;
        laps.end(lanes::wait("barrier", || barrier.wait())?);
    }
    Ok((laps, sum(&output)))
}

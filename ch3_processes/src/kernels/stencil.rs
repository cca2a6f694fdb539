//! `stencil` by processes: both grids lie in one shared mapping, in which each worker holds its own [bands].
//!
//! A worker needs its neighbours' outermost rows as they were before this iteration, so each publishes a copy of its
//! own for the next iteration. There are two sets of these edges, used in turn, and so one barrier an iteration is
//! enough: while a slow worker still reads the edges of iteration k, a fast one already publishes those of iteration
//! k+1, in the other set; it publishes into the first set again only after the next barrier, which the slow one reaches
//! when it has read.

use std::io;

use anyhow::Context;
use ch1_parallel::kernels::stencil::{RADIUS, bands, check, initial, publish, sum, sweep};
use ch1_parallel::kernels::{Measured, Problem};
use serde::{Deserialize, Serialize};

use super::{Laps, run};
use crate::shared::{InUse, ReadGuard};
use crate::{Barrier, SharedArray};

/// Bands and edges in one mapping, the iterations in step by a barrier.
///
/// # Errors
/// A process or the shared memory cannot be had, or a worker died.
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

/// Which of a band's outermost rows.
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

    /// The edge of a neighbour; nothing beyond the border of the grid.
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
    // Held to the end. Whoever writes first to a page gets it from its own side of the machine.
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
        laps.end(&barrier)?;
    }
    Ok((laps, sum(&output)))
}

//! `transpose` by ranks: each rank holds rows of both matrices and needs a part of every row of A, so every rank sends to
//! every rank.
//!
//! A rank sends its numbers already transposed, so that the receiver only adds them. In each exchange a rank sends 32 rows
//! of its part of A. So the buffers are much smaller than the matrices, and can stay in the cache.

use std::ops::Range;
use std::time::Duration;

use ch1_parallel::array::Array;
use ch1_parallel::kernels::transpose::{Difference, STRIP, check, difference, initial_rows, rows, stripe};
use ch1_parallel::kernels::{Measured, Problem, laps};
use course::clock::Moment;
use mpi::Count;
use mpi::collective::SystemOperation;
use mpi::datatype::{Partition, PartitionMut};
use mpi::traits::*;

use super::{check_world, slowest};
use crate::parts::starts;

/// In each iteration the ranks exchange their rows of A, a strip at a time.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, or the matrices do not fit in the memory.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let size = problem.size;
    let mut part = Part::new(size, problem.workers, usize::try_from(world.rank())?)?;

    let seconds = laps(problem.iterations, || {
        part.iterate(|packed, to_each, received, from_each| {
            let (starts_to, starts_from) = (starts(&to_each), starts(&from_each));
            world.all_to_all_varcount_into(
                &Partition::new(packed, to_each, starts_to),
                &mut PartitionMut::new(received, from_each, starts_from),
            );
        });
        world.barrier();
    });

    let Difference { cells, sum } = difference(size, part.own().start, &part.b, problem.iterations + 1);
    let mut all = Difference::default();
    world.all_reduce_into(&cells, &mut all.cells, SystemOperation::sum());
    world.all_reduce_into(&sum, &mut all.sum, SystemOperation::sum());
    Ok(Measured { seconds: slowest(world, &seconds), wrong: check(size, all) })
}

/// The work of one iteration of the ranks of `node`, which have the numbers `numbers` among all `ranks`. These ranks exchange
/// their numbers as they always do, since that takes the numbers out of the caches of the rank that packed them. They send nothing
/// to the ranks of other nodes. The result is the number of cells of this rank, and a function that does an iteration and returns
/// its seconds without those of the exchange. The program `loggp_mpi` calls it.
///
/// # Errors
/// The rows do not fit in the memory.
pub fn work_of_node(
    size: usize,
    ranks: usize,
    node: &impl Communicator,
    numbers: &[usize],
) -> anyhow::Result<(usize, impl FnMut() -> f64)> {
    let rank = numbers[usize::try_from(node.rank())?];
    let mut part = Part::new(size, ranks, rank)?;
    let cells = part.a.len();
    let iterate = move || {
        let (begin, mut exchanging) = (Moment::now(), Duration::ZERO);
        part.iterate(|packed, to_each, received, from_each| {
            let (starts_to, starts_from) = (starts(&to_each), starts(&from_each));
            // A rank copies what it would send to itself. This is a part of its work.
            let (from, to) = (starts_to[rank] as usize, starts_from[rank] as usize);
            let own = to_each[rank] as usize;
            received[to..to + own].copy_from_slice(&packed[from..from + own]);
            let of_others = |counts: &[Count]| -> Vec<_> {
                numbers.iter().map(|&number| if number == rank { 0 } else { counts[number] }).collect()
            };
            let of_node = |starts: &[Count]| -> Vec<_> { numbers.iter().map(|&number| starts[number]).collect() };
            let begin = Moment::now();
            node.all_to_all_varcount_into(
                &Partition::new(packed, of_others(&to_each), of_node(&starts_to)),
                &mut PartitionMut::new(received, of_others(&from_each), of_node(&starts_from)),
            );
            exchanging += Moment::now().since(begin);
        });
        (Moment::now().since(begin) - exchanging).as_secs_f64()
    };
    Ok((cells, iterate))
}

/// What a rank holds: its rows of A and of B, and the buffers of an exchange.
struct Part {
    size: usize,
    rank: usize,
    /// The rows of each rank.
    all: Vec<Range<usize>>,
    a: Array,
    b: Array,
    packed: Vec<f64>,
    received: Vec<f64>,
}

impl Part {
    fn new(size: usize, ranks: usize, rank: usize) -> anyhow::Result<Self> {
        let all: Vec<_> = (0..ranks).map(|rank| rows(size, ranks, rank)).collect();
        let own = all[rank].clone();
        let a = Array::collected("rows of A", own.len() * size, initial_rows(size, own.clone()))?;
        let mut b = Array::zeros("rows of B", own.len() * size)?;
        b.fill(0.0);
        Ok(Self { size, rank, all, a, b, packed: Vec::new(), received: Vec::new() })
    }

    fn own(&self) -> &Range<usize> {
        &self.all[self.rank]
    }

    /// One iteration. `exchange` gets the numbers to send and their counts for each rank, and a buffer for the numbers from all
    /// ranks and their counts.
    fn iterate(&mut self, mut exchange: impl FnMut(&[f64], Vec<Count>, &mut [f64], Vec<Count>)) {
        let Self { size, rank, all, a, b, packed, received } = self;
        let (size, own) = (*size, &all[*rank]);
        let longest = all.iter().map(Range::len).max().unwrap_or_default();
        for first in (0..longest).step_by(STRIP) {
            let strips: Vec<_> = all.iter().map(|rows| strip(rows, first)).collect();
            let own_rows = strips[*rank].start - own.start..strips[*rank].end - own.start;
            pack(size, &mut a[own_rows.start * size..own_rows.end * size], all, packed);
            let to_each: Vec<_> = all.iter().map(|rows| (own_rows.len() * rows.len()) as Count).collect();
            let from_each: Vec<_> = strips.iter().map(|rows| (rows.len() * own.len()) as Count).collect();
            received.resize(from_each.iter().sum::<Count>() as usize, 0.0);
            exchange(packed, to_each, received, from_each);
            add(size, received, &strips, b);
        }
    }
}

/// The rows of a rank that are sent at a time, from its row number `first`.
fn strip(rows: &Range<usize>, first: usize) -> Range<usize> {
    (rows.start + first).min(rows.end)..(rows.start + first + STRIP).min(rows.end)
}

/// Packs rows of A, transposed, for each rank its columns, and increases these rows.
fn pack(size: usize, a: &mut [f64], columns: &[Range<usize>], packed: &mut Vec<f64>) {
    packed.clear();
    packed.resize(a.len(), 0.0);
    let mut rest = &mut packed[..];
    for columns in columns {
        let mut lines: Vec<_> = a.chunks_exact_mut(size).map(|row| &mut row[columns.clone()]).collect();
        let part;
        (part, rest) = rest.split_at_mut(columns.len() * lines.len());
        stripe(&mut lines, part);
    }
}

/// Adds the numbers from each rank to the rows of B, in the columns that belong to the rank's strip.
fn add(size: usize, received: &[f64], strips: &[Range<usize>], b: &mut [f64]) {
    let mut rest = received;
    for columns in strips.iter().filter(|columns| !columns.is_empty()) {
        let part;
        (part, rest) = rest.split_at(b.len() / size * columns.len());
        for (row, line) in b.chunks_exact_mut(size).zip(part.chunks_exact(columns.len())) {
            row[columns.clone()].iter_mut().zip(line).for_each(|(b, a)| *b += a);
        }
    }
}

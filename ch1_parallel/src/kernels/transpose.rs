//! `transpose`: B += Aᵀ, then A += 1. A row of B needs a column of A, which has one number in every row of A. So each
//! worker needs data of all other workers.
//!
//! Each number of a column of a matrix lies in another cache line. So [`stripe`] works in blocks of [`BLOCK`] rows and
//! columns, as wide as a cache line: it loads the lines of a block of A once, adds them to the lines of a block of B, and
//! increases A while the lines are in the cache. If N is a multiple of 8, an iteration loads each line of A and B only
//! once.
//!
//! How the matrices are divided decides what has to be moved. If a worker holds some rows of B and the same *columns* of A, no
//! worker needs the numbers of another (rayon, threads). If a worker holds *rows* of both matrices, it needs a part of the rows
//! of every other worker: processes read them in shared memory, and ranks send them.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::nstream::part;
use super::{Measured, Problem, laps, pool, pool_lane};
use crate::array::Array;
use course::lanes;

/// The side of a block: a cache line of 64 bytes has 8 numbers.
pub const BLOCK: usize = 8;

/// How many rows of its part of A a rank sends at a time.
pub const STRIP: usize = 32;

/// The bytes that an iteration moves, as the Parallel Research Kernels count them: a number of A is read and a number of B
/// written.
#[must_use]
pub fn traffic(size: usize) -> f64 {
    16.0 * (size as f64).powi(2)
}

/// The memory that the two matrices take, in bytes.
#[must_use]
pub fn bytes(size: usize) -> u64 {
    2 * 8 * (size as u64).pow(2)
}

/// The initial value of A in row `i` and column `j`.
#[must_use]
pub fn initial(size: usize, i: usize, j: usize) -> f64 {
    (size * j + i) as f64
}

/// A part of a row of A, from which [`stripe`] takes numbers.
pub trait Line {
    /// The numbers from column `column` of this part.
    fn take<const COUNT: usize>(&mut self, column: usize) -> [f64; COUNT];
}

/// The numbers are only read.
impl Line for &[f64] {
    #[inline(always)]
    fn take<const COUNT: usize>(&mut self, column: usize) -> [f64; COUNT] {
        std::array::from_fn(|at| self[column..][..COUNT][at])
    }
}

/// Each number is increased after it was read, while its cache line is still in the cache.
impl Line for &mut [f64] {
    #[inline(always)]
    fn take<const COUNT: usize>(&mut self, column: usize) -> [f64; COUNT] {
        let cells = &mut self[column..][..COUNT];
        let values = std::array::from_fn(|at| cells[at]);
        cells.iter_mut().for_each(|cell| *cell += 1.0);
        values
    }
}

/// Adds columns of A to the rows of B with the same numbers. `a[i]` is the part of row i of A in these columns. `b` has the
/// rows of B, row by row. If the lines of A are `&mut`, A is increased too.
pub fn stripe<L: Line>(a: &mut [L], b: &mut [f64]) {
    let size = a.len();
    // The loops are compiled for several vector widths. This call chooses the width of the machine.
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (at, lines) in a.chunks_mut(BLOCK).enumerate() {
                for (block, b) in b.chunks_mut(BLOCK * size).enumerate() {
                    add_block(size, at * BLOCK, block * BLOCK, lines, b);
                }
            }
        },
    );
}

/// Adds one block: `lines`, rows of A from row `first`, become columns of B from `first`. `b` has rows of B: row j gets
/// number `column + j` of each line.
#[inline(always)]
fn add_block<L: Line>(size: usize, first: usize, column: usize, lines: &mut [L], b: &mut [f64]) {
    if lines.len() == BLOCK && b.len() == BLOCK * size {
        let mut values = [[0.0; BLOCK]; BLOCK];
        values.iter_mut().zip(lines).for_each(|(values, line)| *values = line.take(column));
        for (j, row) in b.chunks_exact_mut(size).enumerate() {
            row[first..][..BLOCK].iter_mut().zip(&values).for_each(|(b, values)| *b += values[j]);
        }
    } else {
        // At the border of the matrix a block is smaller.
        for (i, line) in lines.iter_mut().enumerate() {
            for (j, row) in b.chunks_exact_mut(size).enumerate() {
                let [value] = line.take(column + j);
                row[first + i] += value;
            }
        }
    }
}

/// What the comparison of rows of B with the right values has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// How many cells were compared.
    pub cells: usize,
    /// The sum of their differences from the right values.
    pub sum: f64,
}

impl std::iter::Sum for Difference {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self { cells: sum.cells + one.cells, sum: sum.sum + one.sum })
    }
}

/// Compares rows of B, from row `first`, with what they should be after this number of iterations.
#[must_use]
pub fn difference(size: usize, first: usize, b: &[f64], iterations: usize) -> Difference {
    let (times, increased) = (iterations as f64, (iterations * iterations.saturating_sub(1) / 2) as f64);
    let row = |(at, row): (usize, &[f64])| {
        let differences =
            row.iter().enumerate().map(|(j, b)| (b - times * initial(size, j, first + at) - increased).abs());
        differences.sum::<f64>()
    };
    Difference { cells: b.len(), sum: b.chunks_exact(size).enumerate().map(row).sum() }
}

/// Says why the differences of all rows of a matrix of this size are wrong, or `None` if they are right.
#[must_use]
pub fn check(size: usize, all: Difference) -> Option<String> {
    let Difference { cells, sum } = all;
    if cells != size * size {
        return Some(format!("the result has {cells} cells, not {}", size * size));
    }
    // Not `sum >= 1e-8`, which is false if the sum is not a number.
    let right = sum < 1e-8;
    (!right).then(|| format!("the result differs by {sum} in all"))
}

/// The rows or columns of worker number `worker`: whole blocks, so that workers share no cache line if 8 divides N.
#[must_use]
pub fn rows(size: usize, workers: usize, worker: usize) -> Range<usize> {
    let blocks = part(size.div_ceil(BLOCK), workers, worker);
    (blocks.start * BLOCK).min(size)..(blocks.end * BLOCK).min(size)
}

/// The initial values of rows of A, row by row.
pub fn initial_rows(size: usize, rows: Range<usize>) -> impl Iterator<Item = f64> {
    rows.flat_map(move |i| (0..size).map(move |j| initial(size, i, j)))
}

/// Both matrices before the first iteration, row by row.
fn matrices(size: usize) -> anyhow::Result<(Array, Array)> {
    let a = Array::collected("matrix A", size * size, initial_rows(size, 0..size))?;
    let mut b = Array::zeros("matrix B", size * size)?;
    b.fill(0.0);
    Ok((a, b))
}

/// One thread, one stripe.
///
/// # Errors
/// The matrices do not fit in the memory.
pub fn serial(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let (mut a, mut b) = matrices(size)?;
    let seconds = {
        let b = &mut b[..];
        let mut rows: Vec<&mut [f64]> = a.chunks_exact_mut(size).collect();
        laps(problem.iterations, || stripe(&mut rows, b))
    };
    Ok(Measured { seconds, wrong: check(size, difference(size, 0, &b, problem.iterations + 1)) })
}

/// A parallel iterator over stripes of one pair of matrices.
///
/// # Errors
/// The system does not start a thread, or the matrices do not fit in the memory.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let pool = pool(problem.workers)?;
    let (mut a, mut b) = matrices(size)?;
    // More stripes than workers: if the system interrupts a worker, the other workers take over some of its stripes. Whole
    // blocks: stripes share no cache line if 8 divides N.
    let blocks = size.div_ceil(BLOCK);
    let width = blocks.div_ceil(4 * problem.workers) * BLOCK;
    let seconds = {
        let mut columns: Vec<Vec<&mut [f64]>> = (0..size.div_ceil(width)).map(|_| Vec::with_capacity(size)).collect();
        for row in a.chunks_exact_mut(size) {
            columns.iter_mut().zip(row.chunks_mut(width)).for_each(|(columns, part)| columns.push(part));
        }
        let mut stripes: Vec<_> = columns.into_iter().zip(b.chunks_mut(width * size)).collect();
        let iterate = || {
            stripes.par_iter_mut().for_each(|(a, b)| {
                let _lane = pool_lane();
                stripe(a, b);
            });
        };
        lanes::wait("pool", || pool.install(|| laps(problem.iterations, iterate)))
    };
    Ok(Measured { seconds, wrong: check(size, difference(size, 0, &b, problem.iterations + 1)) })
}

/// The rows of B and the columns of A that one worker holds.
#[derive(Debug)]
pub struct Stripe {
    size: usize,
    first: usize,
    /// The columns of A, row by row.
    a: Array,
    b: Array,
}

impl Stripe {
    /// The stripe of worker number `worker`, before the first iteration.
    ///
    /// # Errors
    /// The stripe does not fit in the memory.
    pub fn new(problem: &Problem, worker: usize) -> anyhow::Result<Self> {
        let size = problem.size;
        let columns = rows(size, problem.workers, worker);
        let (first, count) = (columns.start, columns.len());
        let values = (0..size).flat_map(|i| columns.clone().map(move |j| initial(size, i, j)));
        let a = Array::collected("columns of A", size * count, values)?;
        let mut b = Array::zeros("rows of B", size * count)?;
        b.fill(0.0);
        Ok(Self { size, first, a, b })
    }

    /// The rows of the columns of A, and the rows of B: what [`stripe`] takes.
    pub fn columns_and_rows(&mut self) -> (Vec<&mut [f64]>, &mut [f64]) {
        let columns = (self.a.len() / self.size).max(1);
        (self.a.chunks_exact_mut(columns).collect(), &mut self.b)
    }

    /// Compares the rows of B with what they should be after this number of iterations.
    #[must_use]
    pub fn difference(&self, iterations: usize) -> Difference {
        difference(self.size, self.first, &self.b, iterations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's own check starts from one special A. This one starts from any.
    #[test]
    fn a_stripe_adds_the_transposed_columns_and_increases_them() {
        for size in [1, 3, 8, 11, 16, 19] {
            let cells = |factor: usize| (0..size * size).map(|at| (at * factor % 101) as f64).collect::<Vec<_>>();
            let (a, b) = (cells(37), cells(53));
            let (mut new_a, mut new_b) = (a.clone(), b.clone());
            let mut rows: Vec<_> = new_a.chunks_exact_mut(size).collect();
            stripe(&mut rows, &mut new_b);
            for i in 0..size {
                for j in 0..size {
                    assert_eq!(
                        new_b[i * size + j],
                        b[i * size + j] + a[j * size + i],
                        "size {size}: row {i}, column {j}"
                    );
                }
            }
            assert!(new_a.iter().zip(&a).all(|(new, old)| *new == old + 1.0), "size {size}");
        }
    }

    #[test]
    fn all_sizes_and_workers_are_exact() {
        for size in [1, 2, 7, 8, 16, 37, 64] {
            for workers in [1, 2, 3, 64] {
                let problem = Problem { size, workers, iterations: 3, ..Problem::DEFAULT };
                assert_eq!(serial(&problem).unwrap().wrong, None);
                assert_eq!(rayon(&problem).unwrap().wrong, None, "size {size}, {workers} workers");
                let all: Difference = (0..workers)
                    .map(|worker| {
                        let mut part = Stripe::new(&problem, worker).unwrap();
                        for _ in 0..4 {
                            let (mut a, b) = part.columns_and_rows();
                            stripe(&mut a, b);
                        }
                        part.difference(4)
                    })
                    .sum();
                assert_eq!(check(size, all), None, "size {size}, {workers} workers");
            }
        }
    }

    #[test]
    fn the_check_finds_one_wrong_number() {
        let (mut a, mut b) = matrices(9).unwrap();
        stripe(&mut a.chunks_exact_mut(9).collect::<Vec<_>>(), &mut b);
        assert_eq!(check(9, difference(9, 0, &b, 1)), None);
        assert!(check(9, difference(9, 0, &b[9..], 1)).is_some(), "a row is missing");
        b[5] += 1e-7;
        assert!(check(9, difference(9, 0, &b, 1)).is_some());
        b[5] = f64::NAN;
        assert!(check(9, difference(9, 0, &b, 1)).is_some());
    }
}

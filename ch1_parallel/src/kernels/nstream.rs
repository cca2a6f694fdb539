//! `nstream`: A += B + 3·C for three long vectors. Nothing is shared between workers, and each number is used once, so the
//! kernel measures how many bytes a second the memory gives to the workers.
//!
//! On some machines one core already uses the whole speed of the memory: there, more workers gain nothing. Short vectors
//! fit in the caches. Each core has its own cache, so each further worker adds a cache, and the speed grows.

use std::ops::Range;

use rayon::prelude::*;

use super::{Measured, Problem, laps, pool, pool_lane};
use crate::array::Array;
use course::lanes;

const SCALAR: f64 = 3.0;
const B: f64 = 2.0;
const C: f64 = 2.0;

/// The bytes that an iteration moves, as the Parallel Research Kernels count them: A is read and written, B and C are read.
#[must_use]
pub fn traffic(size: usize) -> f64 {
    32.0 * size as f64
}

/// The memory that the three vectors take, in bytes.
#[must_use]
pub fn bytes(size: usize) -> u64 {
    3 * 8 * size as u64
}

/// The part of worker number `worker`, if `workers` workers divide `size` numbers as evenly as possible.
#[must_use]
pub fn part(size: usize, workers: usize, worker: usize) -> Range<usize> {
    worker * size / workers..(worker + 1) * size / workers
}

/// The three vectors, or a part of them.
#[derive(Debug)]
pub struct Vectors {
    a: Array,
    b: Array,
    c: Array,
}

impl Vectors {
    /// `size` numbers of each vector, before the first iteration.
    ///
    /// # Errors
    /// The vectors do not fit in the memory.
    pub fn new(size: usize) -> anyhow::Result<Self> {
        let [mut a, mut b, mut c] =
            [Array::zeros("vector A", size)?, Array::zeros("vector B", size)?, Array::zeros("vector C", size)?];
        a.fill(0.0);
        b.fill(B);
        c.fill(C);
        Ok(Self { a, b, c })
    }

    /// An iteration on these numbers.
    pub fn iterate(&mut self) {
        triad(&mut self.a, &self.b, &self.c);
    }

    /// How many numbers are right after this number of iterations. All numbers are whole, so they are exact.
    #[must_use]
    pub fn right(&self, iterations: usize) -> usize {
        let right = (B + SCALAR * C) * iterations as f64;
        self.a.iter().filter(|&&a| a == right).count()
    }
}

/// `a += b + 3·c`
pub fn triad(a: &mut [f64], b: &[f64], c: &[f64]) {
    // The loop is compiled for several vector widths. This call chooses the width of the machine.
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a += b + SCALAR * c;
            }
        },
    );
}

/// Says how many of the `size` numbers of all workers are wrong or missing, or `None` if all are right.
#[must_use]
pub fn check(size: usize, right: usize) -> Option<String> {
    (right != size).then(|| format!("{right} numbers of the result are right, not {size}"))
}

/// One thread.
///
/// # Errors
/// The vectors do not fit in the memory.
pub fn serial(problem: &Problem) -> anyhow::Result<Measured> {
    let mut vectors = Vectors::new(problem.size)?;
    let seconds = laps(problem.iterations, || vectors.iterate());
    Ok(Measured { seconds, wrong: check(problem.size, vectors.right(problem.iterations + 1)) })
}

/// A parallel iterator over chunks of the three vectors. The end of the iterator is the end of the iteration.
///
/// # Errors
/// The system does not start a thread, or the vectors do not fit in the memory.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let pool = pool(problem.workers)?;
    let mut vectors = Vectors::new(problem.size)?;
    // More chunks than workers: if the system interrupts a worker, the other workers take over some of its chunks.
    let chunk = problem.size.div_ceil(4 * problem.workers);
    let seconds = {
        let Vectors { a, b, c } = &mut vectors;
        let iterate = || {
            a.par_chunks_mut(chunk).zip(b.par_chunks(chunk)).zip(c.par_chunks(chunk)).for_each(|((a, b), c)| {
                let _lane = pool_lane();
                triad(a, b, c);
            });
        };
        lanes::wait("pool", || pool.install(|| laps(problem.iterations, iterate)))
    };
    Ok(Measured { seconds, wrong: check(problem.size, vectors.right(problem.iterations + 1)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_all_numbers() {
        for (size, workers) in [(1, 1), (1, 7), (10, 3), (64, 64), (100, 7)] {
            let parts: Vec<_> = (0..workers).flat_map(|worker| part(size, workers, worker)).collect();
            assert_eq!(parts, (0..size).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_sizes_and_workers_are_exact() {
        for size in [1, 2, 7, 64, 1001] {
            for workers in [1, 2, 3, 64] {
                let problem = Problem { size, workers, iterations: 3, ..Problem::DEFAULT };
                assert_eq!(serial(&problem).unwrap().wrong, None);
                assert_eq!(rayon(&problem).unwrap().wrong, None, "size {size}, {workers} workers");
            }
        }
    }

    #[test]
    fn the_check_finds_one_number_that_missed_an_iteration() {
        let mut vectors = Vectors::new(100).unwrap();
        vectors.iterate();
        let Vectors { a, b, c } = &mut vectors;
        triad(&mut a[1..], &b[1..], &c[1..]);
        assert_eq!(vectors.right(2), 99);
        assert_eq!(check(100, 99).unwrap(), "99 numbers of the result are right, not 100");
        assert_eq!(check(100, 100), None);
    }
}

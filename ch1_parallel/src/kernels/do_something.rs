//! `do_something`: the workers make random numbers and hand them back. Making a number takes about 1 ns, so the cost of
//! handing it back decides. Threads write into the caller's array, processes write into shared memory, and ranks send
//! messages.

use rayon::prelude::*;

use super::{Measured, Problem, laps, pool, pool_lane};
use crate::array::Array;
use crate::do_something::{BLOCK, fill};
use course::lanes;

/// The seed of the numbers of each iteration, the untimed one included. All strategies use the same seeds. Each iteration
/// has a new seed, so the check finds a last iteration that did nothing.
pub fn seeds() -> impl Iterator<Item = u64> {
    42..
}

/// The memory that the numbers take, in bytes.
#[must_use]
pub fn bytes(size: usize) -> u64 {
    8 * size as u64
}

/// Makes the numbers of several blocks, the first of which is block number `first`.
pub fn make(seed: u64, first: u64, numbers: &mut [f64]) {
    for (block, numbers) in (first..).zip(numbers.chunks_mut(BLOCK)) {
        fill(seed, block, numbers);
    }
}

/// Says which block of the numbers of the last iteration is wrong, or `None` if they are right: the sum of each block must
/// be that of the serial solution, bit for bit. `parts` are the numbers in order, in parts of whole blocks.
#[must_use]
pub fn check<'numbers>(problem: &Problem, parts: impl IntoIterator<Item = &'numbers [f64]>) -> Option<String> {
    let (size, seed) = (problem.size, seeds().nth(problem.iterations).unwrap_or_default());
    let mut right = [0.0; BLOCK];
    let (mut block, mut count) = (0, 0);
    for numbers in parts.into_iter().flat_map(|part| part.chunks(BLOCK)) {
        let right = &mut right[..numbers.len()];
        fill(seed, block, right);
        let sum = |numbers: &[f64]| numbers.iter().sum::<f64>();
        let (sum, right) = (sum(numbers), sum(right));
        if sum.to_bits() != right.to_bits() {
            return Some(format!("the sum of block {block} is {sum}, not {right}"));
        }
        block += 1;
        count += numbers.len();
    }
    (count != size).then(|| format!("{count} numbers came back, not {size}"))
}

/// One thread.
///
/// # Errors
/// The numbers do not fit in the memory.
pub fn serial(problem: &Problem) -> anyhow::Result<Measured> {
    let mut numbers = Array::zeros("the numbers", problem.size)?;
    let seconds = {
        let numbers = &mut numbers[..];
        let mut seeds = seeds();
        laps(problem.iterations, || make(seeds.next().unwrap_or_default(), 0, numbers))
    };
    Ok(Measured { seconds, wrong: check(problem, [&numbers[..]]) })
}

/// A parallel iterator over the blocks. Each worker writes into the array of the caller.
///
/// # Errors
/// The system does not start a thread, or the numbers do not fit in the memory.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let pool = pool(problem.workers)?;
    let mut numbers = Array::zeros("the numbers", problem.size)?;
    let seconds = {
        let numbers = &mut numbers[..];
        let mut seeds = seeds();
        let iterate = || {
            let seed = seeds.next().unwrap_or_default();
            numbers.par_chunks_mut(BLOCK).enumerate().for_each(|(block, numbers)| {
                let _lane = pool_lane();
                make(seed, block as u64, numbers);
            });
        };
        lanes::wait("pool", || pool.install(|| laps(problem.iterations, iterate)))
    };
    Ok(Measured { seconds, wrong: check(problem, [&numbers[..]]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sizes_and_workers_are_right() {
        for size in [1, 7, BLOCK - 1, BLOCK, 3 * BLOCK + 1] {
            for workers in [1, 2, 3, 64] {
                let problem = Problem { size, workers, iterations: 2, ..Problem::DEFAULT };
                assert_eq!(serial(&problem).unwrap().wrong, None);
                assert_eq!(rayon(&problem).unwrap().wrong, None, "size {size}, {workers} workers");
            }
        }
    }

    #[test]
    fn the_check_finds_a_wrong_and_a_lost_number() {
        let mut numbers = vec![0.0; 2 * BLOCK];
        let problem = Problem { size: 2 * BLOCK, workers: 1, iterations: 3, ..Problem::DEFAULT };
        make(45, 0, &mut numbers);
        assert_eq!(check(&problem, numbers.chunks(BLOCK)), None);
        assert!(check(&problem, [&numbers[..BLOCK]]).is_some(), "half of the numbers");
        assert!(check(&Problem { iterations: 4, ..problem }, [&numbers[..]]).is_some(), "the iteration before");
        numbers[BLOCK] = 0.5;
        assert!(check(&problem, [&numbers[..]]).is_some(), "a wrong number");
    }
}

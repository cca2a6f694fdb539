//! The workload that the comparisons of the course share.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// How many numbers are made from one seed. A worker makes whole blocks, so the numbers do not depend on the number of workers.
pub const BLOCK: usize = 4096;

/// Appends `count` random numbers in [0, 1) to `numbers`. The numbers are made in blocks of [`BLOCK`]; the first one is block
/// number `first`.
///
/// The same seed and block give the same numbers in every thread, process and rank.
///
/// ```
/// use ch1_parallel::do_something::{BLOCK, do_something};
///
/// let (mut all, mut second) = (Vec::new(), Vec::new());
/// do_something(2 * BLOCK, 42, 0, &mut all);
/// do_something(BLOCK, 42, 1, &mut second);
/// assert_eq!(all[BLOCK..], second);
/// ```
pub fn do_something(count: usize, seed: u64, first: u64, numbers: &mut Vec<f64>) {
    let start = numbers.len();
    numbers.resize(start + count, 0.0);
    for (block, numbers) in (first..).zip(numbers[start..].chunks_mut(BLOCK)) {
        fill(seed, block, numbers);
    }
}

/// Fills `numbers` with the first random numbers of block number `block`.
pub fn fill(seed: u64, block: u64, numbers: &mut [f64]) {
    // The bits of the golden ratio make the seeds of neighbouring blocks very different.
    let mut random = SmallRng::seed_from_u64(seed ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    numbers.fill_with(|| random.random());
}

/// The part of worker number `worker` when `workers` workers make `count` numbers together: its first block, and how many
/// numbers it makes. The parts are whole blocks; they do not overlap, and together they are all numbers.
#[must_use]
pub fn part(count: usize, workers: usize, worker: usize) -> (u64, usize) {
    let blocks = count.div_ceil(BLOCK).div_ceil(workers);
    let start = |worker: usize| (worker * blocks * BLOCK).min(count);
    ((worker * blocks) as u64, start(worker + 1) - start(worker))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_parts_together_are_all_numbers_in_order() {
        for count in [1, BLOCK - 1, BLOCK, 10 * BLOCK + 1] {
            for workers in [1, 2, 3, 64] {
                let mut next = 0;
                for (first, numbers) in (0..workers).map(|worker| part(count, workers, worker)) {
                    assert!(numbers == 0 || first as usize * BLOCK == next, "{count} by {workers}");
                    next += numbers;
                }
                assert_eq!(next, count, "{count} by {workers}");
            }
        }
    }

    #[test]
    fn the_numbers_are_in_range_and_depend_on_seed_and_block() {
        let numbers = |seed, first| {
            let mut numbers = Vec::new();
            do_something(10_000, seed, first, &mut numbers);
            numbers
        };
        assert!(numbers(1, 0).iter().all(|x| (0.0..1.0).contains(x)));
        assert_eq!(numbers(1, 0), numbers(1, 0));
        assert_ne!(numbers(1, 0), numbers(2, 0));
        assert_ne!(numbers(1, 0), numbers(1, 1));
    }

    #[test]
    fn every_block_of_every_seed_begins_with_another_number() {
        let begin = |seed, block| {
            let mut numbers = Vec::new();
            do_something(1, seed, block, &mut numbers);
            numbers[0].to_bits()
        };
        let begins: BTreeSet<_> = (0..64).flat_map(|seed| (0..64).map(move |block| begin(seed, block))).collect();
        assert_eq!(begins.len(), 64 * 64);
    }
}

//! The workload that the comparisons of the course share.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// So many numbers come from one seed. A worker makes whole blocks, so the numbers do not depend on who makes them.
pub const BLOCK: usize = 4096;

/// Appends `count` random numbers in [0, 1) to `numbers`: blocks of [`BLOCK`] from the block `first` on.
///
/// The same seed and block give the same numbers in whatever thread, process or rank.
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
    numbers.reserve(count);
    let mut left = count;
    for block in first.. {
        if left == 0 {
            break;
        }
        // The golden ratio's bits spread neighbouring blocks over the seeds.
        let mut random = SmallRng::seed_from_u64(seed ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let here = left.min(BLOCK);
        numbers.extend((0..here).map(|_| random.random::<f64>()));
        left -= here;
    }
}

/// What worker `worker` of `workers` makes if they make `count` numbers together: the first block, and how many numbers.
/// The parts are whole blocks, so they do not overlap and nothing is left out.
#[must_use]
pub fn part(count: usize, workers: usize, worker: usize) -> (u64, usize) {
    let blocks = count.div_ceil(BLOCK).div_ceil(workers);
    let start = |worker: usize| (worker * blocks * BLOCK).min(count);
    ((worker * blocks) as u64, start(worker + 1) - start(worker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_numbers_in_order() {
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
    fn numbers_are_in_range_and_depend_on_seed_and_block() {
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
}

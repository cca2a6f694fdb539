//! `count`: independent tasks, each of which counts to the grain. It needs no memory, so it shows only how well a strategy
//! keeps its workers busy.

use std::hint::black_box;

use rayon::prelude::*;

use super::{Measured, Problem, laps, pool, pool_lane};
use course::lanes;

/// Counts to `grain`, one by one.
///
/// The compiler would compute a plain count in advance. Here each step depends on a number that is never 0, which the compiler
/// cannot know (Marsaglia, "Xorshift RNGs", 2003). The number stays in a register: a black box in each step would go through
/// the memory, whose delay depends on the address. The function is never inlined, so all strategies run the same machine code.
#[inline(never)]
#[must_use]
pub fn task(grain: u64) -> u64 {
    let mut never_zero = black_box(1u64);
    let mut count = 0;
    while count < grain {
        never_zero ^= never_zero << 13;
        never_zero ^= never_zero >> 7;
        never_zero ^= never_zero << 17;
        count += u64::from(never_zero != 0);
    }
    count
}

/// Says why `sums`, the sum over all tasks in each iteration, are wrong, or `None` if they are right.
#[must_use]
pub fn check(problem: &Problem, sums: &[u64]) -> Option<String> {
    let right = problem.size as u64 * problem.grain;
    let wrong = sums.iter().find(|&&sum| sum != right);
    match wrong {
        Some(sum) => Some(format!("the tasks counted to {sum} in all, not to {right}")),
        None if sums.len() != problem.iterations + 1 => {
            Some(format!("{} sums, not {}", sums.len(), problem.iterations + 1))
        }
        None => None,
    }
}

/// One task after the other.
#[must_use]
pub fn serial(problem: &Problem) -> Measured {
    solve(problem, || (0..problem.size).map(|_| task(black_box(problem.grain))).sum())
}

/// The tasks as a parallel iterator. An idle worker steals half of the tasks that another worker has left.
///
/// # Errors
/// The system does not start a thread.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let pool = pool(problem.workers)?;
    let one = |_| {
        let _lane = pool_lane();
        task(black_box(problem.grain))
    };
    let all = || solve(problem, || (0..problem.size).into_par_iter().map(one).sum());
    Ok(lanes::wait("pool", || pool.install(all)))
}

/// Times `iterate`, which runs all tasks and returns the sum of their counts, and checks the sums.
pub fn solve(problem: &Problem, mut iterate: impl FnMut() -> u64) -> Measured {
    let mut sums = Vec::with_capacity(problem.iterations + 1);
    let seconds = laps(problem.iterations, || sums.push(iterate()));
    Measured { seconds, wrong: check(problem, &sums) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: Problem = Problem { size: 37, workers: 3, iterations: 2, grain: 1000, ..Problem::DEFAULT };

    #[test]
    fn both_strategies_count_right() {
        assert_eq!(serial(&PROBLEM).wrong, None);
        assert_eq!(rayon(&PROBLEM).unwrap().wrong, None);
    }

    #[test]
    fn the_check_finds_a_lost_task() {
        let right = 37 * 1000;
        assert_eq!(check(&PROBLEM, &[right; 3]), None);
        assert!(check(&PROBLEM, &[right, right - 1000, right]).is_some());
        assert!(check(&PROBLEM, &[right; 2]).is_some());
    }
}

//! How long the iterations of a solution take.

use anyhow::ensure;
use course::clock::Moment;
use serde::{Deserialize, Serialize};

/// The seconds of each timed iteration of a solution that one worker times. `iterate` must return only when all workers have
/// done the iteration. The first call is not timed.
pub fn laps(iterations: usize, mut iterate: impl FnMut()) -> Vec<f64> {
    iterate();
    let mut seconds = Vec::with_capacity(iterations);
    let mut last = Moment::now();
    for _ in 0..iterations {
        iterate();
        let now = Moment::now();
        seconds.push(now.since(last).as_secs_f64());
        last = now;
    }
    seconds
}

/// When iterations ended, as far as one worker knows. The workers are threads or processes that meet at a barrier after each
/// iteration.
///
/// An iteration ends when the last worker reaches the barrier, so that worker takes the time. Any other worker may be woken
/// much later if there are more workers than cores.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Laps {
    /// How many iterations this worker has done.
    iterations: usize,
    /// The iterations in which this worker was the last at the barrier, and when.
    ends: Vec<(usize, Moment)>,
}

impl Laps {
    /// Ends an iteration: called after the barrier, with what the barrier says about this worker.
    pub fn end(&mut self, was_last: bool) {
        if was_last {
            self.ends.push((self.iterations, Moment::now()));
        }
        self.iterations += 1;
    }

    /// The seconds of each timed iteration, from what all workers know. The first iteration is not timed.
    ///
    /// # Errors
    /// In some iteration not exactly one worker was the last.
    pub fn seconds<'a>(timed: usize, of_all: impl IntoIterator<Item = &'a Self>) -> anyhow::Result<Vec<f64>> {
        let mut ends: Vec<_> = of_all.into_iter().flat_map(|laps| laps.ends.iter().copied()).collect();
        ends.sort_unstable();
        ensure!(
            ends.iter().map(|&(iteration, _)| iteration).eq(0..=timed),
            "in some iteration not exactly one worker was the last at the barrier"
        );
        Ok(ends.windows(2).map(|two| two[1].1.since(two[0].1).as_secs_f64()).collect())
    }
}

/// The middle value, or the mean of the two middle values; 0 if there is no value.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[half],
        _ => (sorted[half - 1] + sorted[half]) / 2.0,
    }
}

/// The quartiles: a quarter of the values is below the first, and a quarter above the second; 0 if there is no value.
#[must_use]
pub fn quartiles(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    [last / 4, last - last / 4].map(|at| sorted.get(at).copied().unwrap_or(0.0))
}

/// An iteration belongs to the warm-up if it takes more than this factor times the later median.
const STEADY: f64 = 1.05;

/// The iterations at the beginning that took longer than later ones, because the threads had just started: the system moves
/// them to cores, and the cores raise their clocks. At most half of the iterations; the result also says whether the rest
/// took the same time.
#[must_use]
pub fn warm_up(seconds: &[f64]) -> (usize, bool) {
    let half = seconds.len() / 2;
    let later = median(&seconds[half..]);
    let (third, fourth) = seconds[half..].split_at((seconds.len() - half) / 2);
    let (third, fourth) = (median(third), median(fourth));
    let window = (seconds.len() / 20).max(1);
    let warm = |&(_, window): &(usize, &[f64])| median(window) <= STEADY * later;
    let first = seconds[..half].chunks(window).enumerate().find(warm);
    let still = third <= STEADY * fourth && fourth <= STEADY * third;
    (first.map_or(half, |(number, _)| number * window), still)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quartiles() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
        assert_eq!(quartiles(&[5.0, 1.0, 4.0, 2.0, 3.0]), [2.0, 4.0]);
        assert_eq!((quartiles(&[7.0]), quartiles(&[])), ([7.0; 2], [0.0; 2]));
        assert_eq!(quartiles(&[2.0, 1.0]), [1.0, 2.0], "the median is between them");
    }

    #[test]
    fn the_warm_up_ends_where_the_times_stand_still() {
        let slow_then_fast = |slow: usize| [vec![2.0; slow], vec![1.0; 100 - slow]].concat();
        assert_eq!(warm_up(&slow_then_fast(0)), (0, true));
        assert_eq!(warm_up(&slow_then_fast(30)), (30, true));
        // A single slow iteration is noise, not warm-up.
        let mut noisy = vec![1.0; 100];
        noisy[7] = 9.0;
        assert_eq!(warm_up(&noisy), (0, true));
        noisy[0] = 9.0;
        assert_eq!(warm_up(&noisy), (0, true), "twenty windows, and the median of each counts");
        assert_eq!(warm_up(&slow_then_fast(70)), (50, false), "the times change in the second half");
        assert_eq!(warm_up(&slow_then_fast(50)), (50, true));
        // Only ratios matter.
        let scaled = |slow: usize| slow_then_fast(slow).iter().map(|time| 10.0 * time).collect::<Vec<_>>();
        assert_eq!((warm_up(&scaled(0)), warm_up(&scaled(30))), ((0, true), (30, true)));
        let quarters = |third: f64, fourth: f64| [vec![third; 75], vec![fourth; 25]].concat();
        assert_eq!((warm_up(&quarters(10.0, 10.8)).1, warm_up(&quarters(10.8, 10.0)).1), (false, false));
        for count in 0..5 {
            assert!(warm_up(&vec![1.0; count]).0 <= count / 2);
        }
    }

    #[test]
    fn an_iteration_lasts_from_the_end_of_the_one_before() {
        let laps = |ends: &[(usize, u64)]| Laps {
            iterations: 3,
            ends: ends.iter().map(|&(iteration, nanoseconds)| (iteration, Moment(nanoseconds))).collect(),
        };
        let both = [laps(&[(1, 2_000_000_000)]), laps(&[(0, 500_000_000), (2, 2_250_000_000)])];
        assert_eq!(Laps::seconds(2, &both).unwrap(), [1.5, 0.25]);
        assert!(Laps::seconds(3, &both).is_err(), "an iteration is missing");
        assert!(Laps::seconds(2, &[laps(&[(0, 1), (1, 2), (1, 3)])]).is_err(), "two were the last");
    }

    #[test]
    fn only_the_last_worker_takes_the_time() {
        let mut laps = [Laps::default(), Laps::default()];
        for last in [0, 1, 1] {
            for (worker, laps) in laps.iter_mut().enumerate() {
                laps.end(worker == last);
            }
        }
        assert_eq!(laps.each_ref().map(|laps| laps.ends.len()), [1, 2]);
        assert_eq!(Laps::seconds(2, &laps).unwrap().len(), 2);
    }

    #[test]
    fn the_first_iteration_is_not_timed() {
        let mut count = 0;
        let seconds = super::laps(3, || count += 1);
        assert_eq!((seconds.len(), count), (3, 4));
    }
}

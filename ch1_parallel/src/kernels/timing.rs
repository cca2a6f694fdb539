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

#[cfg(test)]
mod tests {
    use super::*;

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

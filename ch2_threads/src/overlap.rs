//! Stretches of time that overlap.

use std::ops::Range;
use std::time::{Duration, Instant};

/// The largest number of stretches that contain the same moment. A stretch does not contain its end, so stretches that only
/// touch do not overlap.
#[must_use]
pub fn most_at_once(stretches: &[Range<Instant>]) -> usize {
    // The number changes for the better only where a stretch begins. Each stretch counts itself, even if it is empty.
    let others = |at: usize| {
        let begin = stretches[at].start;
        (0..stretches.len()).filter(|&other| other != at && stretches[other].contains(&begin)).count()
    };
    (0..stretches.len()).map(|at| 1 + others(at)).max().unwrap_or(0)
}

/// The length of all stretches together.
#[must_use]
pub fn total(stretches: &[Range<Instant>]) -> Duration {
    stretches.iter().map(|stretch| stretch.end - stretch.start).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(seconds: &[(u64, u64)]) -> Vec<Range<Instant>> {
        let zero = Instant::now();
        let at = |second| zero + Duration::from_secs(second);
        seconds.iter().map(|&(begin, end)| at(begin)..at(end)).collect()
    }

    #[test]
    fn stretches_that_share_a_moment_overlap() {
        for (seconds, expected) in [
            (&[][..], 0),
            (&[(0, 2)], 1),
            (&[(0, 2), (2, 3)], 1),
            (&[(1, 1), (1, 1)], 1),
            (&[(0, 2), (1, 3)], 2),
            (&[(0, 9), (1, 2), (3, 4), (3, 5)], 3),
            (&[(0, 1), (0, 1), (0, 1)], 3),
        ] {
            assert_eq!(most_at_once(&stretches(seconds)), expected, "{seconds:?}");
        }
    }

    #[test]
    fn the_total_counts_every_stretch() {
        assert_eq!(total(&stretches(&[(0, 2), (1, 4), (7, 7)])), Duration::from_secs(5));
    }
}

//! The laws of Amdahl and Gustafson, fitted to measured speed-ups.
//!
//! Both laws divide a program into a serial part, which more ranks do not shorten, and a part that the ranks share evenly.
//! The serial fraction is the share of the serial part, but of a different time in each law:
//!
//! | law | for | its fraction | speed-up on p ranks |
//! |---|---|---|---|
//! | Amdahl (1967) | a problem that keeps its size | s, of the time on one rank | 1 / (s + (1-s)/p) |
//! | Gustafson (1988) | a problem that grows with the ranks | α, of the time on p ranks | p - α·(p-1) |
//!
//! A fit has one unknown, the fraction, and both laws become straight lines through the origin: Amdahl's in the relative
//! time 1/S, and Gustafson's in the efficiency S/p. These are the quantities whose squared errors are added up, since a
//! plain speed-up would give the largest number of ranks nearly all the weight.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::compare::interval::Interval;

/// How many times the rounds are drawn again, for the 95 % interval of a fraction.
const DRAWS: usize = 1000;

/// How the speed-up depends on the number of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Strong scaling: the size of the problem is fixed
    Amdahl,
    /// Weak scaling: the size of the problem grows with the number of ranks
    Gustafson,
}

impl Law {
    /// Its name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amdahl => "amdahl",
            Self::Gustafson => "gustafson",
        }
    }

    /// The kind of scaling that it describes.
    #[must_use]
    pub fn scaling(self) -> &'static str {
        match self {
            Self::Amdahl => "strong",
            Self::Gustafson => "weak",
        }
    }

    /// The speed-up on `ranks` ranks if this fraction of the program is serial.
    #[must_use]
    pub fn speedup(self, serial: f64, ranks: f64) -> f64 {
        match self {
            Self::Amdahl => 1.0 / (serial + (1.0 - serial) / ranks),
            Self::Gustafson => ranks - serial * (ranks - 1.0),
        }
    }

    /// The serial fraction with the least squared errors, for pairs of ranks and speed-up. `None` if no pair has more than
    /// one rank: one rank says nothing about the fraction.
    ///
    /// It is below 0 if the ranks are faster than their number allows, for example because each part fits in a cache.
    #[must_use]
    pub fn fit(self, speedups: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
        let (mut products, mut squares) = (0.0, 0.0);
        for (ranks, speedup) in speedups {
            // 1/S = 1/p + s·(1 - 1/p), and S/p = 1 - α·(1 - 1/p).
            let x = 1.0 - 1.0 / ranks;
            let y = match self {
                Self::Amdahl => 1.0 / speedup - 1.0 / ranks,
                Self::Gustafson => 1.0 - speedup / ranks,
            };
            products += x * y;
            squares += x * x;
        }
        (squares > 0.0).then(|| products / squares)
    }
}

/// The experimentally determined serial fraction of one point (Karp and Flatt 1990): (1/S - 1/p) / (1 - 1/p). `None` for
/// one rank.
///
/// If it is the same for all numbers of ranks, a serial part limits the speed-up. If it grows with the ranks, the ranks
/// cost something themselves: messages, waiting, uneven parts.
#[must_use]
pub fn karp_flatt(ranks: f64, speedup: f64) -> Option<f64> {
    (ranks > 1.0).then(|| (1.0 / speedup - 1.0 / ranks) / (1.0 - 1.0 / ranks))
}

/// The 95 % interval of an estimate from `rounds` rounds, by a bootstrap: the rounds are drawn again with replacement, and
/// `estimate` gets the drawn ones. All points of a round are drawn together, so what slowed a whole round down slows all of
/// its points down. `None` with fewer than two rounds, or without an estimate.
pub fn spread(rounds: usize, seed: u64, estimate: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
    if rounds < 2 {
        return None;
    }
    let mut random = StdRng::seed_from_u64(seed);
    let mut draw = || (0..rounds).map(|_| random.random_range(0..rounds)).collect::<Vec<_>>();
    let mut estimates: Vec<f64> = (0..DRAWS).filter_map(|_| estimate(&draw())).collect();
    estimates.sort_by(f64::total_cmp);
    let cut = estimates.len() / 40;
    Some(Interval { low: *estimates.get(cut)?, high: *estimates.get(estimates.len().checked_sub(cut + 1)?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: [Law; 2] = [Law::Amdahl, Law::Gustafson];
    const RANKS: [f64; 7] = [1.0, 2.0, 3.0, 4.0, 8.0, 64.0, 1024.0];

    fn exact(law: Law, serial: f64) -> Vec<(f64, f64)> {
        RANKS.map(|ranks| (ranks, law.speedup(serial, ranks))).into()
    }

    #[test]
    fn the_laws_have_their_textbook_values() {
        // A twentieth is serial: never more than 20 times as fast, and 20 - 0.05·19 with a problem that grows.
        assert!((Law::Amdahl.speedup(0.05, 1e12) - 20.0).abs() < 1e-6);
        assert!((Law::Amdahl.speedup(0.05, 20.0) - 1.0 / (0.05 + 0.95 / 20.0)).abs() < 1e-12);
        assert!((Law::Gustafson.speedup(0.05, 20.0) - 19.05).abs() < 1e-12);
        for law in LAWS {
            assert_eq!((law.speedup(0.3, 1.0), law.speedup(0.0, 7.0), law.speedup(1.0, 7.0)), (1.0, 7.0, 1.0));
        }
    }

    #[test]
    fn exact_speedups_give_their_serial_fraction() {
        for law in LAWS {
            for serial in [-0.01, 0.0, 1e-6, 0.01, 0.1, 0.5, 1.0] {
                let fitted = law.fit(exact(law, serial)).unwrap();
                assert!((fitted - serial).abs() < 1e-12, "{law:?}: {fitted} instead of {serial}");
                let two = law.fit(exact(law, serial).into_iter().take(2)).unwrap();
                assert!((two - serial).abs() < 1e-12, "{law:?}: {two} instead of {serial}");
            }
            assert_eq!(law.fit([(1.0, 1.0)]), None, "one rank says nothing");
            assert_eq!(law.fit([]), None);
        }
    }

    #[test]
    fn a_fit_has_the_least_squared_errors() {
        let measured = [(2.0, 1.9), (4.0, 3.1), (8.0, 5.9)];
        for law in LAWS {
            let errors = |serial: f64| -> f64 {
                let error = |&(ranks, speedup): &(f64, f64)| match law {
                    Law::Amdahl => 1.0 / speedup - 1.0 / law.speedup(serial, ranks),
                    Law::Gustafson => (speedup - law.speedup(serial, ranks)) / ranks,
                };
                measured.iter().map(error).map(|error| error * error).sum()
            };
            let fitted = law.fit(measured).unwrap();
            assert!(errors(fitted) < errors(fitted - 1e-4).min(errors(fitted + 1e-4)), "{law:?}: {fitted}");
        }
    }

    #[test]
    fn noise_moves_the_fraction_little_and_the_interval_contains_it() {
        const ROUNDS: usize = 9;
        let mut random = StdRng::seed_from_u64(7);
        for law in LAWS {
            let serial = 0.08;
            let rounds: Vec<Vec<(f64, f64)>> = (0..ROUNDS)
                .map(|_| {
                    exact(law, serial).into_iter().map(|(p, s)| (p, s * random.random_range(0.97..1.03))).collect()
                })
                .collect();
            let estimate = |drawn: &[usize]| law.fit(drawn.iter().flat_map(|&round| rounds[round].iter().copied()));
            let fitted = estimate(&(0..ROUNDS).collect::<Vec<_>>()).unwrap();
            assert!((fitted - serial).abs() < 0.02, "{law:?}: {fitted}");
            let spread = spread(ROUNDS, 42, estimate).unwrap();
            assert!(spread.contains(fitted) && spread.contains(serial), "{law:?}: {spread:?}");
            assert!(spread.high > spread.low && spread.high - spread.low < 0.03, "{law:?}: {spread:?}");
        }
    }

    #[test]
    fn equal_rounds_have_no_spread_and_one_round_has_none_to_draw_from() {
        let interval = spread(5, 42, |_| Some(0.25)).unwrap();
        assert_eq!((interval.low, interval.high), (0.25, 0.25));
        assert_eq!(spread(1, 42, |_| Some(0.25)), None);
        assert_eq!(spread(5, 42, |_| None), None);
    }

    #[test]
    fn karp_flatt_finds_the_serial_fraction_of_each_point() {
        for (ranks, speedup) in exact(Law::Amdahl, 0.1).into_iter().skip(1) {
            assert!((karp_flatt(ranks, speedup).unwrap() - 0.1).abs() < 1e-12);
        }
        assert_eq!(karp_flatt(1.0, 1.0), None);
        // Costs that grow with the ranks make it grow.
        let costly = |ranks: f64| karp_flatt(ranks, 1.0 / (1.0 / ranks + 0.01 * ranks)).unwrap();
        assert!(costly(2.0) < costly(4.0) && costly(4.0) < costly(8.0));
    }
}

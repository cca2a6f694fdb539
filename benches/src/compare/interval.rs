//! How certain a median is: its 95 % interval by a bootstrap over rounds and over the iterations in them.
//!
//! The iterations of a round share what the machine did in that round, so they are not independent. Therefore rounds are
//! drawn with replacement, and then iterations in each drawn round (the hierarchical or cluster bootstrap: Davison and
//! Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). If two strategies took turns, a ratio draws the
//! same rounds of both: what slows a round down slows both. With few rounds the interval spans about all of them.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use ch1_parallel::kernels::median;

/// How many times the rounds are drawn.
const DRAWS: usize = 1000;
/// The same draws in every run, so that the same times have the same interval.
const SEED: u64 = 42;

/// The bounds of an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The interval of these estimates that leaves out 2.5 % at each end, widened so that it contains `estimate`.
    fn of(mut estimates: Vec<f64>, estimate: f64) -> Self {
        estimates.sort_by(f64::total_cmp);
        let cut = estimates.len() / 40;
        let at = |index: usize| estimates.get(index).copied().unwrap_or(estimate);
        Self { low: at(cut).min(estimate), high: at(estimates.len().saturating_sub(cut + 1)).max(estimate) }
    }
}

/// In which order the rounds of the solvers of a problem were measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// One solver had all its rounds before the next one began
    #[default]
    OneByOne,
    /// The solvers took turns: a round of each, and then the next round of each
    InTurns,
}

/// The times of the iterations of one solver on one problem, by round.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    order: Order,
    /// The seconds of the iterations of each round, sorted.
    rounds: Vec<Vec<f64>>,
}

impl Sample {
    /// A sample without rounds.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self { order, rounds: Vec::new() }
    }

    /// Adds a round. A round without iterations says nothing and is left out.
    pub fn add(&mut self, mut seconds: Vec<f64>) {
        if !seconds.is_empty() {
            seconds.sort_by(f64::total_cmp);
            self.rounds.push(seconds);
        }
    }

    /// The median of the medians of the rounds, in seconds.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.rounds.iter().map(|round| median(round)).collect::<Vec<_>>())
    }

    /// The interval of the median, in seconds.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let mut random = StdRng::seed_from_u64(SEED);
        let draw = |_| median(&self.drawn(&draws(self.rounds.len(), &mut random), &mut random));
        Interval::of((0..DRAWS).map(draw).collect(), self.median())
    }

    /// The interval of the median of `other` divided by the median of this sample: of a speed-up, if `other` is the serial
    /// solution.
    #[must_use]
    pub fn speedup_interval(&self, other: &Self) -> Interval {
        let mut random = StdRng::seed_from_u64(SEED);
        let draw = |_| {
            let own = draws(self.rounds.len(), &mut random);
            // Without turns there are no pairs of rounds, and a round without a partner makes the pairs uncertain.
            let orders = [self.order, other.order];
            let are_pairs = orders == [Order::InTurns; 2] && self.rounds.len() == other.rounds.len();
            let others = if are_pairs { own.clone() } else { draws(other.rounds.len(), &mut random) };
            median(&other.drawn(&others, &mut random)) / median(&self.drawn(&own, &mut random))
        };
        Interval::of((0..DRAWS).map(draw).collect(), other.median() / self.median())
    }

    /// A median of each of these rounds, as if its iterations were drawn again.
    fn drawn(&self, rounds: &[usize], random: &mut StdRng) -> Vec<f64> {
        rounds.iter().map(|&round| drawn_median(&self.rounds[round], random)).collect()
    }
}

/// As many rounds as there are, drawn with replacement.
fn draws(rounds: usize, random: &mut StdRng) -> Vec<usize> {
    (0..rounds).map(|_| random.random_range(0..rounds)).collect()
}

/// The median of as many draws from `sorted` as it has values. The rank of that median follows a beta distribution with the
/// mean 1/2 and the variance 1/(4(n+2)); a normal distribution with these replaces it, which is much faster than n draws.
fn drawn_median(sorted: &[f64], random: &mut StdRng) -> f64 {
    // The sum of twelve uniform numbers has the variance 1.
    let normal = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let deviation = 0.5 / ((sorted.len() + 2) as f64).sqrt();
    let rank = ((0.5 + normal * deviation) * sorted.len() as f64) as usize;
    sorted[rank.min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rounds: &[&[f64]]) -> Sample {
        let mut sample = Sample::new(Order::InTurns);
        rounds.iter().for_each(|round| sample.add(round.to_vec()));
        sample
    }

    #[test]
    fn an_interval_contains_its_median_and_is_the_same_in_every_run() {
        let times = sample(&[&[3.0, 1.0, 2.0], &[2.0, 2.5, 1.5], &[4.0, 2.0, 2.0]]);
        assert_eq!(times.median(), 2.0);
        let interval = times.interval();
        assert!(interval.contains(2.0) && interval.low >= 1.0 && interval.high <= 4.0, "{interval:?}");
        assert_eq!(interval, times.interval());
    }

    #[test]
    fn more_iterations_narrow_the_interval() {
        let round = |count: usize| (0..count).map(|i| 1.0 + (i as f64 * 0.618).fract()).collect::<Vec<_>>();
        let width = |count| {
            let interval = sample(&[&round(count), &round(count)]).interval();
            interval.high - interval.low
        };
        assert!(width(1000) < 0.3 * width(10), "{} {}", width(1000), width(10));
    }

    #[test]
    fn many_iterations_do_not_hide_that_the_rounds_differ() {
        let rounds: [&[f64]; 3] = [&[1.0; 500], &[1.2; 500], &[1.4; 500]];
        let interval = sample(&rounds).interval();
        assert_eq!((interval.low, interval.high), (1.0, 1.4));
    }

    #[test]
    fn what_slows_a_round_down_slows_both() {
        // The machine is three times slower in the second round; the ratio is 2 in every round.
        let serial = sample(&[&[2.0; 9], &[6.0; 9], &[2.2; 9]]);
        let threads = sample(&[&[1.0; 9], &[3.0; 9], &[1.1; 9]]);
        let speedup = threads.speedup_interval(&serial);
        assert!((speedup.low - 2.0).abs() < 1e-9 && (speedup.high - 2.0).abs() < 1e-9, "{speedup:?}");
        // Without turns the slow round makes the ratio uncertain, and so does a missing round.
        let alone = Sample { order: Order::OneByOne, ..threads };
        assert!(alone.speedup_interval(&serial).high > 3.0);
        assert!(sample(&[&[1.0; 9], &[3.0; 9]]).speedup_interval(&serial).high > 3.0);
    }

    #[test]
    fn the_interval_has_its_coverage() {
        // 300 experiments of five rounds with ten iterations each, which are uniform around 1.
        let mut random = StdRng::seed_from_u64(7);
        let mut covered = 0;
        for _ in 0..300 {
            let mut sample = Sample::default();
            for _ in 0..5 {
                sample.add((0..10).map(|_| random.random_range(0.5..1.5)).collect());
            }
            covered += usize::from(sample.interval().contains(1.0));
        }
        assert!(covered >= 270, "{covered} of 300");
    }
}

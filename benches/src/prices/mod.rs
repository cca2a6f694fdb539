//! The basic prices of parallelism: what a worker, a message, a barrier and a lock cost on this machine.
//!
//! All ways of an operation are measured in turn, round by round, so that noise on the machine affects them alike. Each
//! round gives one value, and the median counts. Each result is checked: the message that arrived is the one that was sent,
//! and no increment under a lock is lost.

mod barriers;
mod locks;
mod messages;
mod programs;
mod table;
mod turn;
mod workers;

use std::time::{Duration, Instant};

use anyhow::Context;
use ch1_parallel::kernels::median;
use serde::{Deserialize, Serialize};

use crate::machine;
pub use programs::missing;

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A worker is started, does next to nothing, and its end is waited for
    StartAndEnd,
    /// A message of 8 bytes, one way
    ShortMessage,
    /// A message of 1 MiB, one way
    LongMessage,
    /// All workers meet at a barrier
    Barrier,
    /// A lock that no other worker wants is acquired and released
    FreeLock,
    /// A lock that all workers want is acquired and released: the elapsed time divided by the acquisitions of all workers
    ContendedLock,
}

/// What an operation costs in one way of doing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// The operation.
    pub operation: Operation,
    /// The way of doing it, for example `scoped thread`.
    pub way: String,
    /// How many workers took part.
    pub workers: usize,
    /// The seconds of one operation, one value for each round of the measurement.
    pub seconds: Vec<f64>,
}

/// Which ways are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The ways in Rust
    Rust,
    /// Beside them the programs in C and Python
    WithPeers,
}

/// A way of doing an operation. `measure` is given the number of workers and the least time of a turn, and returns the
/// seconds of one operation.
struct Way {
    operation: Operation,
    name: &'static str,
    workers: usize,
    measure: fn(usize, Duration) -> anyhow::Result<f64>,
}

/// How many rounds there are. The programs in C and Python take part in the first three: their start takes much longer than
/// what they measure.
const ROUNDS: usize = 5;
const ROUNDS_OF_PROGRAMS: usize = 3;

/// After this time the programs have no further round. They have at least one.
const TIME_FOR_PROGRAMS: Duration = Duration::from_secs(25);

/// The least time of a turn. The number of operations grows until they take this long. A way whose first operations take
/// longer does not repeat them.
const TURN: Duration = Duration::from_millis(8);

/// More workers than cores.
const CROWD: usize = 4;

/// The list of the functions that this module runs in child processes. It belongs to the first lines of `main` of every
/// program that measures prices: in a child it calls the function and ends the process.
pub fn init() {
    ch3_processes::children![
        workers::nothing,
        workers::same,
        messages::pipe_back,
        messages::channel_back,
        messages::queue_back,
        messages::shared_back,
        barriers::meet,
        locks::increment
    ];
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 6] =
        [Self::StartAndEnd, Self::ShortMessage, Self::LongMessage, Self::Barrier, Self::FreeLock, Self::ContendedLock];

    /// What it is, in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::StartAndEnd => "start and end of a worker",
            Self::ShortMessage => "message of 8 bytes, one way",
            Self::LongMessage => "message of 1 MiB, one way",
            Self::Barrier => "barrier",
            Self::FreeLock => "free lock",
            Self::ContendedLock => "contended lock",
        }
    }
}

impl Price {
    /// The seconds of one operation: the median of the rounds.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.seconds)
    }
}

/// Measures the prices with `workers` workers, and where more workers than cores are of interest, with 4 times the number
/// of cores. `progress` is called before each round, with its number and the number of rounds.
///
/// # Errors
/// The system starts no worker, a program fails, or a result is wrong.
pub fn measure(workers: usize, extent: Extent, progress: impl Fn(usize, usize)) -> anyhow::Result<Vec<Price>> {
    let crowd = CROWD * machine::usable_cores();
    let sizes = if workers == crowd { vec![workers] } else { vec![workers, crowd] };
    let mut ways = workers::ways();
    ways.extend(messages::ways());
    ways.extend(locks::free());
    ways.extend(sizes.iter().flat_map(|&workers| barriers::ways(workers).into_iter().chain(locks::contended(workers))));
    let programs = programs::all(&sizes, extent)?;
    let mut prices = Vec::new();
    let begin = Instant::now();
    for round in 0..ROUNDS {
        progress(round + 1, ROUNDS);
        for way in &ways {
            let Way { operation, name, workers, measure } = *way;
            let seconds = measure(workers, TURN).with_context(|| format!("{}, {name}", operation.title()))?;
            add(&mut prices, Price { operation, way: name.into(), workers, seconds: vec![seconds] });
        }
        if round == 0 || round < ROUNDS_OF_PROGRAMS && begin.elapsed() < TIME_FOR_PROGRAMS {
            for program in &programs {
                program.measure()?.into_iter().for_each(|price| add(&mut prices, price));
            }
        }
    }
    Ok(prices)
}

/// Adds the seconds of a round to the price of the same way, or begins a new price.
fn add(prices: &mut Vec<Price>, price: Price) {
    let key = |price: &Price| (price.operation, price.way.clone(), price.workers);
    match prices.iter_mut().find(|known| key(known) == key(&price)) {
        Some(known) => known.seconds.extend(price.seconds),
        None => prices.push(price),
    }
}

pub use table::table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_the_same_way_become_one_price() {
        let price = |way: &str, workers, seconds| Price {
            operation: Operation::Barrier,
            way: way.into(),
            workers,
            seconds: vec![seconds],
        };
        let mut prices = Vec::new();
        for (way, workers, seconds) in [("a", 2, 1.0), ("b", 2, 5.0), ("a", 8, 7.0), ("a", 2, 3.0), ("a", 2, 9.0)] {
            add(&mut prices, price(way, workers, seconds));
        }
        let medians: Vec<_> = prices.iter().map(Price::median).collect();
        assert_eq!((prices.len(), medians), (3, vec![3.0, 5.0, 7.0]));
    }

    #[test]
    fn every_way_in_a_thread_gives_a_time() {
        // The ways with processes need a program that lists their functions: tests/programs/prices.rs runs them.
        let ways = workers::ways().into_iter().chain(messages::ways()).chain(locks::free());
        let ways = ways.chain(barriers::ways(3)).chain(locks::contended(3));
        for way in ways.filter(|way| !way.name.contains("process") && way.name != "pipe") {
            let seconds = (way.measure)(way.workers, Duration::from_micros(10)).unwrap();
            assert!(seconds > 0.0, "{}", way.name);
        }
    }
}

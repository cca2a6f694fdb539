//! The prices that the model needs, measured with small maps. The maps of `--check --grid` are other ones.
//!
//! A price is what is left of the time of a small map when the terms that are known already are subtracted: a map of tasks
//! that do nothing has only a start and a dispatch, a map of large results has a transfer too. The strategies take turns.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hint::black_box;
use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use ch1_parallel::kernels::{Strategy, count};
use ch1_parallel::map::Map;
use clap::ValueEnum;

use super::model::{Cores, Prices};
use super::strategies::Runner;

/// How many turns there are. A job of ranks starts too slowly for more than three.
const TURNS: usize = 15;
const TURNS_OF_RANKS: usize = 3;

/// How many times the strategies without processes take turns at a probe, before those with processes have it once.
const REPEATS: usize = 3;
const QUICK: [Strategy; 4] = [Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Async];

/// After this time there are no more turns.
const TIME: Duration = Duration::from_secs(10);

const MIB: usize = 1 << 20;

/// How long the computation of each worker takes in `Probe::Computing`: long compared with the start of a thread, so that
/// all workers take part in it.
const SHARE: f64 = 150e-6;

const SHORT_WAIT: Duration = Duration::from_micros(500);
const LONG_WAIT: Duration = Duration::from_millis(5);

/// The number of workers in `Probe::ManyWaits` and `Probe::Wakes`, unless there are more cores.
const WAITING_WORKERS: usize = 100;

/// A small map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Probe {
    /// One task that does nothing
    Nothing,
    /// Tasks that keep each worker busy for `SHARE`
    Computing,
    /// Many tasks that do nothing
    ManyTasks,
    /// Tasks that do nothing and whose results fit into a cache
    SmallResults,
    /// Tasks that do nothing and give back 1 MiB each
    LargeResults,
    /// Tasks that do nothing, two for each core, and one worker for each task
    MoreWorkers,
    /// One task that waits
    OneWait,
    /// As many tasks that wait as workers
    ManyWaits,
    /// Many tasks that wait for next to nothing
    Wakes,
}

impl Probe {
    /// The probes of a strategy.
    fn of(strategy: Strategy) -> &'static [Self] {
        use Probe::{
            Computing, LargeResults, ManyTasks, ManyWaits, MoreWorkers, Nothing, OneWait, SmallResults, Wakes,
        };
        match strategy {
            // Its `Computing` has no price: the others follow a computation here, as they do when they are compared with it.
            Strategy::Serial => &[Nothing, Computing, ManyTasks, SmallResults, LargeResults, OneWait],
            Strategy::Async => &[Nothing, ManyTasks, SmallResults, LargeResults, OneWait, Wakes],
            Strategy::Rayon | Strategy::Threads => {
                &[Nothing, Computing, ManyTasks, SmallResults, LargeResults, OneWait, ManyWaits, Wakes]
            }
            Strategy::Processes => &[Nothing, Computing, ManyTasks, SmallResults, LargeResults, MoreWorkers, OneWait],
            Strategy::Mpi => &[Nothing, LargeResults, MoreWorkers],
        }
    }

    fn map(self, strategy: Strategy, cores: &Cores) -> Map {
        let nothing = Map { tasks: 1, grain: 0, wait: Duration::ZERO, bytes: 0 };
        match self {
            Self::Nothing => nothing,
            Self::Computing => {
                let seconds = SHARE / 8.0 * cores.speed / cores.count as f64;
                Map { tasks: 8 * cores.count, grain: (seconds / cores.step) as u64, ..nothing }
            }
            Self::ManyTasks => Map { tasks: if strategy == Strategy::Processes { 5000 } else { 50_000 }, ..nothing },
            Self::SmallResults => Map { tasks: 64, bytes: MIB / 16, ..nothing },
            Self::LargeResults => Map { tasks: 24, bytes: MIB, ..nothing },
            Self::MoreWorkers => Map { tasks: 2 * cores.count, ..nothing },
            Self::OneWait => Map { wait: SHORT_WAIT, ..nothing },
            Self::ManyWaits => Map { tasks: WAITING_WORKERS, wait: LONG_WAIT, ..nothing },
            Self::Wakes => Map { tasks: 50 * WAITING_WORKERS, wait: Duration::from_nanos(1), ..nothing },
        }
    }

    fn workers(self, cores: &Cores) -> usize {
        match self {
            Self::MoreWorkers => 2 * cores.count,
            Self::ManyWaits | Self::Wakes => WAITING_WORKERS.max(cores.count),
            _ => cores.count,
        }
    }
}

/// The prices of the strategies that can run here.
///
/// # Errors
/// A strategy fails.
pub fn measure(count: usize, with_ranks: bool) -> anyhow::Result<(Cores, BTreeMap<Strategy, Prices>)> {
    let cores = cores(count);
    let mut strategies =
        vec![Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Processes, Strategy::Async];
    strategies.extend(with_ranks.then_some(Strategy::Mpi));
    let (mut runners, mut samples) = (BTreeMap::new(), BTreeMap::<_, Vec<f64>>::new());
    let begin = Instant::now();
    for turn in 0..TURNS {
        if turn >= TURNS_OF_RANKS && begin.elapsed() > TIME {
            break;
        }
        // In turns, as `--check` compares the strategies: a strategy's threads have slept since its last run, but not for long.
        for &probe in Probe::value_variants() {
            let takes_part = |strategy: &Strategy| {
                Probe::of(*strategy).contains(&probe) && (turn < TURNS_OF_RANKS || *strategy != Strategy::Mpi)
            };
            let (quick, slow): (Vec<Strategy>, Vec<Strategy>) =
                strategies.iter().copied().filter(takes_part).partition(|strategy| QUICK.contains(strategy));
            for strategy in iter::repeat_n(quick, REPEATS).flatten().chain(slow) {
                let workers = probe.workers(&cores);
                let runner = match runners.entry(workers) {
                    Entry::Occupied(runner) => runner.into_mut(),
                    Entry::Vacant(place) => place.insert(Runner::new(workers)?),
                };
                let seconds = runner.run(strategy, &probe.map(strategy, &cores))?;
                samples.entry((strategy, probe)).or_default().push(seconds);
            }
        }
    }
    let seconds: BTreeMap<_, _> = samples.into_iter().map(|(key, samples)| (key, typical(samples))).collect();
    let of = |strategy| (strategy, prices(strategy, &cores, |probe| seconds.get(&(strategy, probe)).copied()));
    let mut prices: BTreeMap<Strategy, Prices> = strategies.iter().copied().map(of).collect();
    // The system lets a process sleep and wakes it as it does with a thread.
    let Prices { oversleep, wake, .. } = prices[&Strategy::Threads];
    prices.entry(Strategy::Processes).and_modify(|prices| prices.wake = wake);
    prices.entry(Strategy::Mpi).and_modify(|prices| (prices.oversleep, prices.wake) = (oversleep, wake));
    // To start workers takes no less time than to start none, whatever the measurement of so short a time says.
    let least = prices[&Strategy::Serial].alone;
    for prices in prices.values_mut() {
        (prices.alone, prices.start) = (prices.alone.max(least), prices.start.max(least));
    }
    prices.retain(|strategy, _| strategies.contains(strategy));
    Ok((cores, prices))
}

/// The time that a quarter of the samples did not exceed: other programs on the machine only make a time longer.
///
/// # Panics
/// There are no samples.
#[must_use]
pub fn typical(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 4]
}

/// The prices that the times of the probes leave. `seconds` is the time of a probe, if it ran.
fn prices(strategy: Strategy, cores: &Cores, seconds: impl Fn(Probe) -> Option<f64>) -> Prices {
    // What is left of the time of a probe, for each of `parts` parts.
    let left = |probe: Probe, known: f64, parts: usize| {
        seconds(probe).map_or(0.0, |seconds| (seconds - known).max(0.0) / parts as f64)
    };
    let map = |probe: Probe| probe.map(strategy, cores);
    let alone = left(Probe::Nothing, 0.0, 1);
    let start = if strategy != Strategy::Serial && seconds(Probe::Computing).is_some() {
        // The rounds of all workers together.
        let computing = map(Probe::Computing);
        left(Probe::Computing, computing.tasks as f64 * computing.grain as f64 * cores.step / cores.speed, 1)
    } else {
        alone
    };
    let dispatch = left(Probe::ManyTasks, start, map(Probe::ManyTasks).tasks);
    let byte_of = |probe: Probe| {
        let results = map(probe);
        left(probe, start + results.tasks as f64 * dispatch, results.tasks * results.bytes)
    };
    let byte = byte_of(Probe::LargeResults);
    // Ranks have no probe with small results.
    let near_byte = if seconds(Probe::SmallResults).is_some() { byte_of(Probe::SmallResults) } else { byte };
    let oversleep = left(Probe::OneWait, alone + dispatch + SHORT_WAIT.as_secs_f64(), 1);

    let further = |probe: Probe| probe.workers(cores) - cores.count;
    let worker = if seconds(Probe::ManyWaits).is_some() {
        let known = start + LONG_WAIT.as_secs_f64() + oversleep;
        left(Probe::ManyWaits, known, further(Probe::ManyWaits).max(1))
    } else {
        left(Probe::MoreWorkers, start, further(Probe::MoreWorkers))
    };
    let wakes = map(Probe::Wakes).tasks;
    let started = if strategy == Strategy::Async { start } else { start + worker * further(Probe::Wakes) as f64 };
    let wake = left(Probe::Wakes, started + wakes as f64 * dispatch, wakes);
    Prices { alone, start, worker, dispatch, near_byte, byte, oversleep, wake }
}

/// The speed of the cores: the same computation in one thread, then in as many threads as there are cores.
fn cores(cores: usize) -> Cores {
    const STEPS: u64 = 1_000_000;
    let compute = || {
        let start = Instant::now();
        black_box(count::task(black_box(STEPS)));
        start.elapsed().as_secs_f64()
    };
    // Each thread computes twice, and the second time counts: all threads have started by then.
    let together = || {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| (compute(), compute()).1)).collect();
            // The closure does not panic.
            let seconds = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            seconds.sum::<f64>() / cores as f64
        })
    };
    // What disturbs a computation makes it longer, so the shortest time is that of the core.
    let turns = (0..3 * TURNS).map(|_| (compute(), together()));
    let shortest = (f64::INFINITY, f64::INFINITY);
    let (alone, together) = turns.fold(shortest, |least, turn| (least.0.min(turn.0), least.1.min(turn.1)));
    let speed = (cores as f64 * alone / together).clamp(1.0, cores as f64);
    Cores { count: cores, speed, step: alone / STEPS as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Question, predict};
    use super::*;

    #[test]
    fn a_disturbed_turn_does_not_change_a_price() {
        assert_eq!(typical(vec![5.0, 1.0, 90.0, 2.0, 3.0, 4.0, 80.0]), 2.0);
        assert_eq!(typical(vec![5.0]), 5.0);
    }

    #[test]
    fn the_cores_have_a_speed() {
        let cores = cores(2);
        assert!((1.0..=2.0).contains(&cores.speed) && (1e-10..1e-7).contains(&cores.step), "{cores:?}");
    }

    #[test]
    fn prices_are_found_again_in_times_that_the_model_predicts() {
        let cores = Cores { count: 4, speed: 3.0, step: 1e-9 };
        let right = Prices {
            alone: 1e-4,
            start: 2e-4,
            worker: 1e-5,
            dispatch: 1e-8,
            near_byte: 2e-11,
            byte: 1e-10,
            oversleep: 6e-5,
            wake: 5e-6,
        };
        for strategy in [Strategy::Rayon, Strategy::Threads, Strategy::Processes, Strategy::Mpi, Strategy::Async] {
            let seconds = |probe: Probe| {
                let Map { tasks, grain, wait, bytes } = probe.map(strategy, &cores);
                let task_us = 1e6 * (grain as f64 * cores.step + wait.as_secs_f64());
                let workers = probe.workers(&cores);
                let question = Question { tasks, task_us, bytes, waiting: !wait.is_zero(), workers };
                let predicted = predict(&question, strategy, &right, &cores).seconds();
                Probe::of(strategy).contains(&probe).then_some(predicted)
            };
            let found = prices(strategy, &cores, seconds);
            // Ranks start alike for any number of tasks, and an event loop has one thread.
            let one_start = matches!(strategy, Strategy::Mpi | Strategy::Async);
            let near = |found: f64, right: f64| (found / right - 1.0).abs() < 0.02;
            let (ran, name) = (|probe| Probe::of(strategy).contains(&probe), strategy);
            let start = if strategy == Strategy::Async { right.alone } else { right.start };
            assert!(near(found.start, start), "{name}: {found:?}");
            assert!(one_start || near(found.alone, right.alone), "{name}: {found:?}");
            assert!(!ran(Probe::ManyTasks) || near(found.dispatch, right.dispatch), "{name}: {found:?}");
            assert!(
                near(found.byte, right.byte) && (!ran(Probe::SmallResults) || near(found.near_byte, right.near_byte)),
                "{name}: {found:?}"
            );
            assert!(!ran(Probe::OneWait) || near(found.oversleep, right.oversleep), "{name}: {found:?}");
            assert!(strategy == Strategy::Async || near(found.worker, right.worker), "{name}: {found:?}");
            assert!(!ran(Probe::Wakes) || near(found.wake, right.wake), "{name}: {found:?}");
        }
    }
}

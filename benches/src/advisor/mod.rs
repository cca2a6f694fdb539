//! The advisor: which strategy is the fastest for a map, and why.
//!
//! A map is a number of independent tasks that compute or wait and give bytes back to the caller. [`model`] predicts the
//! time of each strategy from prices, [`mod@measure`] measures these prices, [`store`] keeps them, [`mod@strategies`] runs a
//! map, and [`mod@check`] compares predicted with measured times.

pub mod check;
pub mod grid;
pub mod measure;
pub mod model;
pub mod store;
pub mod strategies;

use std::fmt;

use anyhow::ensure;
use ch1_parallel::kernels::Strategy;
use serde::{Deserialize, Serialize};

use crate::machine;
use crate::units::duration;
use model::{Prediction, Question, predict};
use store::Stored;

/// Children of this module run this function. It belongs to the first lines of `main` of every program that runs maps.
pub fn init() {
    ch3_processes::children![strategies::in_process];
}

/// What the advisor says about a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// The map.
    #[serde(flatten)]
    pub question: Question,
    /// The strategy that is predicted to be the fastest, or a simpler one that is predicted to be nearly as fast.
    pub recommended: Strategy,
    /// Why, in words.
    pub why: String,
    /// All strategies: the recommended one, and then the others, the fastest first.
    pub strategies: Vec<Row>,
}

/// A strategy and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The strategy.
    pub strategy: Strategy,
    /// The predicted seconds.
    pub predicted: f64,
    /// The terms of the prediction.
    pub terms: Prediction,
    /// The measured seconds; `None` if the strategy did not run.
    pub measured: Option<f64>,
    /// Why it did not run although it was asked for.
    pub left_out: Option<String>,
}

/// The strategies that can solve a map. Tasks of an event loop do not compute in parallel, so they are for tasks that wait.
#[must_use]
pub fn strategies(question: &Question) -> Vec<Strategy> {
    use Strategy::{Async, Mpi, Processes, Rayon, Serial, Threads};
    let mut strategies = vec![Serial, Rayon, Threads, Processes, Mpi];
    strategies.extend(question.waiting.then_some(Async));
    strategies
}

/// Checks that the results of a map fit into a quarter of the free memory: some strategies need them twice, and other
/// programs need memory too.
///
/// # Errors
/// They do not fit.
pub fn fits(question: &Question) -> anyhow::Result<()> {
    let needs = question.tasks as f64 * question.bytes as f64;
    let room = machine::free_memory().map_or(f64::INFINITY, |free| free as f64 / 4.0);
    let mib = f64::from(1 << 20);
    ensure!(
        needs <= room,
        "{} results of {} bytes need {:.0} MiB; the advisor takes at most a quarter of the free memory, {:.0} MiB",
        question.tasks,
        question.bytes,
        needs / mib,
        room / mib
    );
    Ok(())
}

impl Advice {
    /// What the prices say about a map.
    #[must_use]
    pub fn of(question: &Question, stored: &Stored) -> Self {
        let row = |strategy| {
            let terms = predict(question, strategy, stored.prices.get(&strategy)?, &stored.cores);
            Some(Row { strategy, predicted: terms.seconds(), terms, measured: None, left_out: None })
        };
        let mut rows: Vec<_> = strategies(question).into_iter().filter_map(row).collect();
        rows.sort_by(|one, other| one.predicted.total_cmp(&other.predicted));
        // Of strategies that are about as fast, the simplest is recommended.
        let least = rows.first().map_or(0.0, |row| row.predicted);
        let simplest = rows.iter().enumerate().filter(|(_, row)| row.predicted <= (1.0 + NEARLY) * least);
        if let Some((at, _)) =
            simplest.min_by_key(|(_, row)| SIMPLEST_FIRST.iter().position(|&strategy| strategy == row.strategy))
        {
            rows[..=at].rotate_right(1);
        }
        // The prices of the serial strategy are always there.
        let recommended = rows.first().map_or(Strategy::Serial, |row| row.strategy);
        Self { question: *question, recommended, why: why(question, &rows, stored.cores.count), strategies: rows }
    }
}

/// The terms of a prediction and their names.
fn named(terms: &Prediction, waiting: bool) -> [(&'static str, f64); 4] {
    [
        ("the start and end of its workers", terms.start),
        ("giving the tasks to workers", terms.dispatch),
        ("bringing the results back", terms.transfer),
        (if waiting { "the waiting" } else { "the computation" }, terms.work),
    ]
}

/// The name and the seconds of the largest term.
fn largest(terms: impl IntoIterator<Item = (&'static str, f64)>) -> (&'static str, f64) {
    terms.into_iter().max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or(("", 0.0))
}

/// Two predictions are nearly the same if they differ by this part or less.
const NEARLY: f64 = 0.1;

/// The strategies, those with the least machinery first.
const SIMPLEST_FIRST: [Strategy; 6] =
    [Strategy::Serial, Strategy::Threads, Strategy::Rayon, Strategy::Async, Strategy::Processes, Strategy::Mpi];

/// Why the first of the rows is recommended: what takes its time, and what takes more time in each of the others.
fn why(question: &Question, rows: &[Row], cores: usize) -> String {
    let [best, others @ ..] = rows else { return String::new() };
    let terms = named(&best.terms, question.waiting);
    let (main, seconds) = largest(terms);
    let part = 100.0 * seconds / best.predicted;
    let Question { tasks, workers, .. } = *question;
    let how = match best.strategy {
        Strategy::Serial => "one thread starts no worker and waits for no other worker".into(),
        Strategy::Async => format!("all {tasks} tasks wait at the same time in one thread"),
        _ if question.waiting => format!("{} workers wait at the same time", workers.min(tasks)),
        _ => format!("{} workers share the tasks on {cores} cores", workers.min(tasks)),
    };
    let mut text = format!("{}: {how}; {part:.0} % of its time is {main}.", best.strategy);
    for other in others {
        let pairs = named(&other.terms, question.waiting).into_iter().zip(terms);
        let (name, _) = largest(pairs.map(|((name, other), (_, best))| (name, other - best)));
        let more = other.predicted - best.predicted;
        let text_of_other = if more.abs() <= NEARLY * best.predicted {
            format!(" {} takes nearly the same time.", other.strategy)
        } else {
            format!(" {} takes {} more, mostly for {name}.", other.strategy, duration(more))
        };
        text += &text_of_other;
    }
    text
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { tasks, task_us, bytes, waiting, workers } = self.question;
        let act = if waiting { "wait" } else { "compute" };
        writeln!(
            f,
            "{tasks} tasks that {act} {task_us} µs each and give back {bytes} bytes each; workers: {workers}\n"
        )?;
        let has_measured = self.strategies.iter().any(|row| row.measured.is_some());
        write!(
            f,
            "{:10} {:>10} = {:>10} + {:>10} + {:>10} + {:>10}",
            "", "predicted", "start", "dispatch", "transfer", "work"
        )?;
        writeln!(f, "{}", if has_measured { "      measured  predicted/measured" } else { "" })?;
        for row in &self.strategies {
            let Prediction { start, dispatch, transfer, work } = row.terms;
            let [all, start, dispatch, transfer, work] = [row.predicted, start, dispatch, transfer, work].map(duration);
            write!(f, "{:10} {all:>10} = {start:>10} + {dispatch:>10} + {transfer:>10} + {work:>10}", row.strategy)?;
            match (row.measured, &row.left_out) {
                (Some(measured), _) => writeln!(f, "    {:>10}  {:.2}", duration(measured), row.predicted / measured)?,
                (None, Some(why)) => writeln!(f, "    left out: {why}")?,
                (None, None) => writeln!(f)?,
            }
        }
        write!(f, "\nrecommended: {}\n{}", self.recommended, self.why)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::model::{Cores, Prices};
    use super::*;

    fn stored() -> Stored {
        let cores = Cores { count: 2, speed: 2.0, step: 1e-9 };
        let price = |start, byte| Prices {
            alone: start,
            start,
            near_byte: byte,
            byte,
            dispatch: 1e-9,
            oversleep: 50e-6,
            worker: 1e-5,
            wake: 1e-6,
        };
        let prices = BTreeMap::from([
            (Strategy::Serial, price(1e-6, 1e-10)),
            (Strategy::Rayon, price(20e-6, 1e-10)),
            (Strategy::Threads, price(100e-6, 1e-10)),
            (Strategy::Processes, price(5e-3, 3e-9)),
            (Strategy::Async, price(1e-6, 1e-9)),
        ]);
        Stored { valid_for: "a test".into(), cores, prices }
    }

    fn advice(tasks: usize, task_us: f64, bytes: usize, waiting: bool, workers: usize) -> Advice {
        Advice::of(&Question { tasks, task_us, bytes, waiting, workers }, &stored())
    }

    #[test]
    fn the_price_that_decides_is_named() {
        let small = advice(1, 1.0, 0, false, 2);
        assert_eq!(small.recommended, Strategy::Serial);
        assert!(small.why.contains("rayon takes 19 µs more, mostly for the start"), "{}", small.why);
        let large = advice(1000, 1000.0, 0, false, 2);
        assert_eq!(large.recommended, Strategy::Threads);
        assert!(
            large
                .why
                .starts_with("threads: 2 workers share the tasks on 2 cores; 100 % of its time is the computation.")
        );
        assert!(large.why.contains("rayon takes nearly the same time"), "{}", large.why);
        assert!(large.why.contains("serial takes 500 ms more, mostly for the computation"), "{}", large.why);
        let waiting = advice(1000, 1000.0, 0, true, 100);
        assert_eq!(waiting.recommended, Strategy::Async);
        assert!(waiting.why.contains("serial takes 1.05 s more, mostly for the waiting"), "{}", waiting.why);
        let bytes = advice(100, 1.0, 1 << 20, false, 2);
        assert!(
            bytes.why.contains("processes takes 309 ms more, mostly for bringing the results back"),
            "{}",
            bytes.why
        );
    }

    #[test]
    fn of_strategies_that_are_about_as_fast_the_simplest_is_recommended() {
        // By 80 µs of some 500 ms, rayon is predicted to be faster than threads.
        let nearly = advice(1000, 1000.0, 0, false, 2);
        let of = |strategy| nearly.strategies.iter().find(|row| row.strategy == strategy).expect("a row").predicted;
        assert!(of(Strategy::Rayon) < of(Strategy::Threads));
        assert_eq!((nearly.recommended, nearly.strategies[0].strategy), (Strategy::Threads, Strategy::Threads));
        // By 80 µs of some 250.
        assert_eq!(advice(1000, 0.3, 0, false, 2).recommended, Strategy::Rayon);
    }

    #[test]
    fn only_strategies_with_prices_are_named() {
        let rows = advice(10, 1.0, 0, false, 2).strategies;
        assert_eq!(rows.len(), 4, "no prices of mpi, and no event loop for tasks that compute: {rows:?}");
        assert!(rows[1..].is_sorted_by_key(|row| row.predicted));
        assert_eq!(advice(10, 1.0, 0, true, 2).strategies.len(), 5);
    }

    #[test]
    fn results_that_do_not_fit_are_refused() {
        let question = advice(usize::MAX / 2, 1.0, 1 << 30, false, 2).question;
        let error = fits(&question).unwrap_err().to_string();
        assert!(error.contains("a quarter of the free memory") && !error.contains('\n'), "{error}");
        assert!(fits(&Question { tasks: 1, ..question }).is_ok() || machine::free_memory() < Some(4 << 30));
    }
}

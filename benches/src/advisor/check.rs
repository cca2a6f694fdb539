//! Runs the strategies on a map, for a comparison with what was predicted.

use std::collections::BTreeMap;
use std::time::Duration;

use ch1_parallel::kernels::Strategy;
use ch1_parallel::map::Map;

use super::measure::typical;
use super::model::{Cores, Question};
use super::strategies::Runner;
use super::{Advice, Row};

/// A strategy that is predicted to take longer than this many seconds does not run.
const LIMIT: f64 = 10.0;

/// The most runs of a strategy.
const RUNS: usize = 25;

/// When the runs of a strategy have taken this many seconds, they are enough.
const ENOUGH: f64 = 0.5;

/// More ranks for each core than this many do not start: while they wait for each other, they keep the cores busy.
const RANKS: usize = 4;

/// The map that a question describes, on a machine with these cores.
#[must_use]
pub fn map(question: &Question, cores: &Cores) -> Map {
    let Question { tasks, task_us, bytes, waiting, .. } = *question;
    let seconds = task_us * 1e-6;
    let grain = if waiting { 0 } else { (seconds / cores.step).round() as u64 };
    // A wait of no time would be no wait.
    let nanoseconds = if waiting { (seconds * 1e9).round().max(1.0) as u64 } else { 0 };
    Map { tasks, grain, wait: Duration::from_nanos(nanoseconds), bytes }
}

/// Runs the strategies in turn and enters their times.
///
/// # Errors
/// A strategy fails, or its results are wrong.
pub fn check(advice: &mut Advice, cores: &Cores) -> anyhow::Result<()> {
    for row in &mut advice.strategies {
        row.left_out = left_out(row, &advice.question, cores);
    }
    let wanted =
        advice.strategies.iter().filter(|row| row.left_out.is_none()).map(|row| row.strategy).collect::<Vec<_>>();
    let seconds = measure(&advice.question, &wanted, cores)?;
    for row in &mut advice.strategies {
        row.measured = seconds.get(&row.strategy).copied();
    }
    Ok(())
}

/// Why a strategy does not run.
pub(super) fn left_out(row: &Row, question: &Question, cores: &Cores) -> Option<String> {
    let results = question.tasks as f64 * question.bytes.max(1) as f64;
    match row.strategy {
        _ if row.predicted > LIMIT => Some(format!("it would take more than {LIMIT} s")),
        Strategy::Mpi if question.workers > RANKS * cores.count => {
            Some(format!("{} ranks on {} cores", question.workers, cores.count))
        }
        Strategy::Mpi if results >= f64::from(i32::MAX) => Some("the results are too long for one message".into()),
        _ => None,
    }
}

/// The seconds of each strategy, which a quarter of its runs did not exceed: the prices are measured in the same way. The
/// strategies take turns.
///
/// # Errors
/// A strategy fails, or its results are wrong.
pub fn measure(question: &Question, strategies: &[Strategy], cores: &Cores) -> anyhow::Result<BTreeMap<Strategy, f64>> {
    let (runner, map) = (Runner::new(question.workers)?, map(question, cores));
    let mut runs: BTreeMap<Strategy, Vec<f64>> = BTreeMap::new();
    for _ in 0..RUNS {
        for &strategy in strategies {
            let runs = runs.entry(strategy).or_default();
            if runs.iter().sum::<f64>() < ENOUGH {
                runs.push(runner.run(strategy, &map)?);
            }
        }
    }
    Ok(runs.into_iter().map(|(strategy, seconds)| (strategy, typical(seconds))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::model::Prediction;
    use super::*;

    const CORES: Cores = Cores { count: 2, speed: 2.0, step: 2e-9 };
    const QUESTION: Question = Question { tasks: 10, task_us: 100.0, bytes: 0, waiting: false, workers: 2 };

    #[test]
    fn a_question_becomes_a_map() {
        let computing = map(&QUESTION, &CORES);
        assert_eq!((computing.grain, computing.wait), (50_000, Duration::ZERO));
        let waiting = map(&Question { waiting: true, ..QUESTION }, &CORES);
        assert_eq!((waiting.grain, waiting.wait), (0, Duration::from_micros(100)));
        assert_eq!(map(&Question { waiting: true, task_us: 0.0, ..QUESTION }, &CORES).wait, Duration::from_nanos(1));
    }

    #[test]
    fn what_takes_too_long_is_left_out() {
        let terms = Prediction { start: 0.0, dispatch: 0.0, transfer: 0.0, work: 1.0 };
        let row = |strategy, predicted| Row { strategy, predicted, terms, measured: None, left_out: None };
        let why = |row: &Row, question: &Question| left_out(row, question, &CORES);
        assert_eq!(why(&row(Strategy::Serial, 9.0), &QUESTION), None);
        assert!(why(&row(Strategy::Serial, 11.0), &QUESTION).unwrap().contains("10 s"));
        let ranks = row(Strategy::Mpi, 1.0);
        assert_eq!(why(&ranks, &QUESTION), None);
        assert!(why(&ranks, &Question { workers: 100, ..QUESTION }).unwrap().contains("100 ranks"));
        assert!(why(&ranks, &Question { bytes: 1 << 30, ..QUESTION }).unwrap().contains("one message"));
    }

    #[test]
    fn measured_strategies_have_times() {
        let seconds = measure(&QUESTION, &[Strategy::Serial, Strategy::Threads], &CORES).unwrap();
        assert!(seconds.len() == 2 && seconds.values().all(|&seconds| seconds > 0.0), "{seconds:?}");
    }
}

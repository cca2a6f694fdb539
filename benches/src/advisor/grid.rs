//! How often the advisor names the fastest strategy: a grid of maps that no price was measured with.

use std::fmt;

use ch1_parallel::kernels::Strategy;
use serde::Serialize;

use super::check::{left_out, measure};
use super::model::Question;
use super::store::Stored;
use super::{Advice, Row, fits};

/// A recommended strategy may take this part longer than the fastest one.
const TOLERANCE: f64 = 0.1;

/// The tasks of a case compute or wait at most this many seconds, one after the other.
const LONGEST: f64 = 0.5;

/// The results of a case have at most this many bytes.
const MOST_BYTES: f64 = 64e6;

/// A strategy whose start alone is predicted to take this many times as long as the fastest measured one does not run: it
/// is a job of ranks in most cases, and it cannot be the fastest.
const HOPELESS: f64 = 2.0;

/// A case: what was recommended and what was the fastest.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// The map.
    #[serde(flatten)]
    pub question: Question,
    /// The strategy that was recommended.
    pub recommended: Strategy,
    /// Its measured seconds; infinite (`null` in JSON) if it did not run, because its start alone takes too long.
    pub seconds: f64,
    /// The fastest strategy.
    pub fastest: Strategy,
    /// Its measured seconds.
    pub fastest_seconds: f64,
}

impl Case {
    /// Whether the recommended strategy is the fastest, or within 10 % of it.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        self.seconds <= (1.0 + TOLERANCE) * self.fastest_seconds
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { tasks, task_us, bytes, waiting, .. } = self.question;
        let act = if waiting { "waiting" } else { "computing" };
        write!(f, "{tasks:>6} tasks, {act} {task_us} µs, {bytes} bytes: {}", self.recommended)?;
        if self.is_hit() {
            return write!(f, " is right");
        }
        if self.seconds.is_infinite() {
            return write!(f, " takes too long to start; {} is the fastest", self.fastest);
        }
        let more = 100.0 * (self.seconds / self.fastest_seconds - 1.0);
        write!(f, " takes {more:.0} % longer than {}", self.fastest)
    }
}

/// How many cases there are for each number of tasks, of maps that compute and of maps that wait: 60 in all.
const CASES: [(usize, [usize; 2]); 6] =
    [(1, [6, 4]), (10, [10, 5]), (100, [9, 5]), (1000, [8, 4]), (10_000, [5, 2]), (100_000, [2, 0])];

/// The 60 questions: spread evenly over all that are short enough.
#[must_use]
pub fn questions(workers: usize, waiting_workers: usize) -> Vec<Question> {
    let mut all = Vec::new();
    for (waiting, workers) in [(false, workers), (true, waiting_workers)] {
        for (tasks, counts) in CASES {
            let mut possible = Vec::new();
            for task_us in [0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0] {
                for bytes in [0, 1000, 30_000, 1 << 20] {
                    let question = Question { tasks, task_us, bytes, waiting, workers };
                    // Also tasks that wait may run one after the other. A sleep takes 60 us or longer.
                    let (each, longest) = if waiting { (task_us + 60.0, 4.0 * LONGEST) } else { (task_us, LONGEST) };
                    if tasks as f64 * each * 1e-6 <= longest && tasks as f64 * bytes as f64 <= MOST_BYTES {
                        possible.push(question);
                    }
                }
            }
            let count = counts[usize::from(waiting)];
            all.extend((0..count).map(|case| possible[case * possible.len() / count]));
        }
    }
    all
}

/// Measures a case.
///
/// # Errors
/// A strategy fails, or there is not enough memory.
pub fn case(question: &Question, stored: &Stored) -> anyhow::Result<Case> {
    fits(question)?;
    let advice = Advice::of(question, stored);
    let quick: Vec<_> = [Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Async]
        .into_iter()
        .filter(|strategy| advice.strategies.iter().any(|row| row.strategy == *strategy))
        .collect();
    let mut seconds = measure(question, &quick, &stored.cores)?;
    let best = seconds.values().copied().fold(f64::INFINITY, f64::min);
    let rest = advice.strategies.iter().filter(|row| !quick.contains(&row.strategy));
    let can_win = |row: &&Row| row.terms.start < HOPELESS * best && left_out(row, question, &stored.cores).is_none();
    let rest: Vec<_> = rest.filter(can_win).map(|row| row.strategy).collect();
    seconds.extend(measure(question, &rest, &stored.cores)?);
    let fastest = seconds.iter().min_by(|one, other| one.1.total_cmp(other.1));
    // The serial strategy has run.
    let (&fastest, &fastest_seconds) = fastest.unwrap_or((&Strategy::Serial, &f64::NAN));
    let recommended = advice.recommended;
    let own = seconds.get(&recommended).copied().unwrap_or(f64::INFINITY);
    Ok(Case { question: *question, recommended, seconds: own, fastest, fastest_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_sixty_different_cases_of_all_kinds() {
        let all = questions(2, 100);
        assert_eq!(all.len(), 60);
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{one:?}");
        }
        let count = |is: fn(&Question) -> bool| all.iter().filter(|question| is(question)).count();
        assert_eq!(count(|question| question.waiting), 20);
        for tasks in [1, 10, 100, 1000, 10_000] {
            assert!(all.iter().filter(|question| question.tasks == tasks).count() >= 5, "{tasks}");
        }
        assert!(count(|question| question.bytes == 0) >= 10 && count(|question| question.bytes >= 30_000) >= 10);
        assert!(count(|question| question.task_us < 2.0) >= 10 && count(|question| question.task_us > 500.0) >= 10);
    }

    #[test]
    fn ten_percent_are_forgiven() {
        let question = questions(2, 100)[0];
        let (recommended, fastest) = (Strategy::Rayon, Strategy::Threads);
        let case = |seconds| Case { question, recommended, seconds, fastest, fastest_seconds: 1.0 };
        assert!(case(1.0).is_hit() && case(1.09).is_hit() && !case(1.11).is_hit());
        assert!(case(1.5).to_string().ends_with("rayon takes 50 % longer than threads"));
        assert!(case(f64::INFINITY).to_string().ends_with("rayon takes too long to start; threads is the fastest"));
    }
}

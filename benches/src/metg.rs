//! How fine tasks may be: the minimum effective task granularity, METG(50 %) (Slaughter et al., "Task Bench", SC20).
//!
//! The work of each task of the kernel `grain` is halved step by step. What a strategy costs for each task stays the same,
//! so its efficiency falls. METG(50 %) is the time of a task, cost included, at which half of the peak rate is left. Tasks
//! should be longer than that.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ch1_parallel::kernels::grain::{Graph, Pattern, sweep};
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy, median};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{mpi, solve};

/// The efficiency of a strategy at tasks of different lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The strategy.
    pub strategy: String,
    /// Which tasks of a step need the results of which tasks of the step before.
    pub pattern: String,
    /// The number of workers.
    pub workers: usize,
    /// The points, the longest tasks first.
    pub points: Vec<Point>,
    /// The time of a task, in seconds, at which the efficiency is 50 %; `None` without points on both sides.
    pub metg: Option<f64>,
}

/// A point of a [`Curve`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The number of steps of the loop in each task.
    pub grain: u64,
    /// The time of a task, in seconds: elapsed time times workers divided by tasks.
    pub task_seconds: f64,
    /// The rate of these steps, divided by the peak rate that was measured.
    pub efficiency: f64,
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number of workers; the serial solution has one.
    pub workers: usize,
    /// The strategies.
    pub strategies: Vec<Strategy>,
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// How many rounds there are: in each round, one strategy after the other is measured on a pattern.
    pub rounds: usize,
    /// After this time no other round begins, since on a busy machine a round may take much longer. There is at least one.
    pub limit: Duration,
    /// The number of steps of a graph.
    pub steps: usize,
    /// The steps of the loop in the longest tasks.
    pub most: u64,
    /// The shortest tasks have at least this many steps of the loop, and fewer than twice as many.
    pub least: u64,
}

impl Plan {
    /// All strategies with all patterns. It takes less than a minute with 2 workers on 2 cores.
    #[must_use]
    pub fn full(workers: usize) -> Self {
        let (strategies, patterns) = (Kernel::Grain.strategies().to_vec(), Pattern::value_variants().to_vec());
        Self {
            workers,
            strategies,
            patterns,
            rounds: 3,
            limit: Duration::from_secs(8),
            steps: 1000,
            most: 1 << 15,
            least: 1 << 5,
        }
    }

    /// All strategies with one pattern. It takes less than 10 s with 2 workers on 2 cores.
    #[must_use]
    pub fn quick(workers: usize) -> Self {
        Self { patterns: vec![Pattern::Stencil1d], limit: Duration::from_secs(5), most: 1 << 14, ..Self::full(workers) }
    }
}

/// An efficiency above this one is an error of the measurement.
const MOST: f64 = 1.5;

/// The efficiency at the METG.
const HALF: f64 = 0.5;

/// The time of a task, in seconds, at which the efficiency is 50 %: the smallest such time, interpolated on logarithmic
/// axes between the points on both sides. `points` begins with the longest tasks. `None` without a point on both sides, or
/// where an efficiency exceeds 150 %.
#[must_use]
pub fn metg(points: &[Point]) -> Option<f64> {
    if points.iter().any(|point| point.efficiency > MOST) {
        return None;
    }
    let last = points.iter().rposition(|point| point.efficiency >= HALF)?;
    let (above, below) = (points[last], points.get(last + 1)?);
    let part = (above.efficiency / HALF).ln() / (above.efficiency / below.efficiency).ln();
    Some(above.task_seconds * (below.task_seconds / above.task_seconds).powf(part))
}

/// Measures the curves of all strategies and patterns of the plan. The strategies take turns, so that noise on the machine
/// affects all alike. A point has the median of the rounds, and of each round the fastest iteration: an interruption is
/// longer than many short tasks. `progress` is called before each pattern.
///
/// # Errors
/// A strategy fails, or its result is wrong.
pub fn measure(plan: &Plan, mut progress: impl FnMut(Pattern)) -> anyhow::Result<Vec<Curve>> {
    let mut curves = Vec::new();
    for &pattern in &plan.patterns {
        progress(pattern);
        let mut seconds: BTreeMap<(usize, u64), Vec<f64>> = BTreeMap::new();
        let begin = Instant::now();
        for _ in (0..plan.rounds).take_while(|&round| round == 0 || begin.elapsed() < plan.limit) {
            for (number, &strategy) in plan.strategies.iter().enumerate() {
                let problem = plan.problem(pattern, strategy);
                let all = run(strategy, &problem, plan.least).with_context(|| format!("grain by {strategy}"))?;
                for (problem, measured) in sweep(&problem, plan.least).zip(all) {
                    let wrong = measured.wrong.unwrap_or_default();
                    ensure!(wrong.is_empty(), "grain by {strategy}: {wrong}");
                    seconds.entry((number, problem.grain)).or_default().push(best(&measured.seconds));
                }
            }
        }
        let times: Vec<Vec<(u64, f64)>> = (0..plan.strategies.len())
            .map(|number| {
                let of_strategy = seconds.range((number, 0)..=(number, u64::MAX)).rev();
                let problem = plan.problem(pattern, plan.strategies[number]);
                let tasks_of_a_worker = Graph::of(&problem).tasks() as f64 / problem.workers as f64;
                of_strategy.map(|(&(_, grain), seconds)| (grain, median(seconds) / tasks_of_a_worker)).collect()
            })
            .collect();
        let curve = |(strategy, points): (&Strategy, Vec<Point>)| Curve {
            strategy: strategy.to_string(),
            pattern: pattern.to_string(),
            workers: plan.problem(pattern, *strategy).workers,
            metg: metg(&points),
            points,
        };
        curves.extend(plan.strategies.iter().zip(points(&times)).map(curve));
    }
    Ok(curves)
}

/// The points of each strategy, from the grains and the seconds of a task, longest tasks first. The peak rate is the best
/// rate of turns that a worker of any strategy had with the longest tasks.
fn points(times: &[Vec<(u64, f64)>]) -> Vec<Vec<Point>> {
    let rate = |&(grain, task_seconds): &(u64, f64)| grain as f64 / task_seconds;
    let peak = times.iter().filter_map(|times| times.first()).map(rate).fold(0.0, f64::max);
    let point = |time: &(u64, f64)| Point { grain: time.0, task_seconds: time.1, efficiency: rate(time) / peak };
    times.iter().map(|times| times.iter().map(point).collect()).collect()
}

impl Plan {
    /// The problem with the longest tasks.
    fn problem(&self, pattern: Pattern, strategy: Strategy) -> Problem {
        let workers = if strategy == Strategy::Serial { 1 } else { self.workers };
        Problem { size: self.steps, workers, grain: self.most, pattern, ..Problem::DEFAULT }
    }
}

/// The time of the fastest iteration.
fn best(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Solves a problem and those with half of its grain, and so on.
fn run(strategy: Strategy, problem: &Problem, least: u64) -> anyhow::Result<Vec<Measured>> {
    match strategy {
        // To start ranks takes much longer than the measurement.
        Strategy::Mpi => mpi::sweep(problem, least),
        _ => sweep(problem, least).map(|problem| solve::solve(Kernel::Grain, strategy, &problem)).collect(),
    }
}

/// The METG of curves as text: a row for each strategy, a column for each pattern.
#[derive(Debug)]
pub struct Table<'run>(pub &'run [Curve]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = self.0.iter().map(|curve| curve.workers).max().unwrap_or(0);
        let patterns = distinct(self.0.iter().map(|curve| &curve.pattern));
        write!(f, "METG(50 %) in microseconds, workers: {workers}\n{:10}", "strategy")?;
        patterns.iter().try_for_each(|pattern| write!(f, "{pattern:>12}"))?;
        for strategy in distinct(self.0.iter().map(|curve| &curve.strategy)) {
            write!(f, "\n{strategy:10}")?;
            for pattern in &patterns {
                let found = self.0.iter().find(|curve| curve.strategy == *strategy && curve.pattern == **pattern);
                match found.and_then(|curve| curve.metg) {
                    Some(seconds) => write!(f, "{:12.2}", seconds * 1e6)?,
                    None => write!(f, "{:>12}", "-")?,
                }
            }
        }
        Ok(())
    }
}

/// Each name once, in the order of the first appearances.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut distinct = Vec::new();
    names.for_each(|name| {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    });
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points from microseconds and percent.
    fn of(points: &[(f64, f64)]) -> Vec<Point> {
        let point =
            |&(us, percent): &(f64, f64)| Point { grain: 1, task_seconds: us / 1e6, efficiency: percent / 100.0 };
        points.iter().map(point).collect()
    }

    fn close(metg: Option<f64>, us: f64) -> bool {
        metg.is_some_and(|metg| (metg * 1e6 - us).abs() < 1e-9)
    }

    #[test]
    fn the_metg_is_interpolated_on_logarithmic_axes() {
        assert!(close(metg(&of(&[(16.0, 100.0), (4.0, 25.0)])), 8.0), "half way");
        assert!(close(metg(&of(&[(100.0, 98.0), (30.0, 50.0), (20.0, 30.0)])), 30.0), "at the point itself");
        let between = metg(&of(&[(20.0, 90.0), (10.0, 60.0), (8.0, 40.0), (7.0, 20.0)]));
        let part = (0.6f64 / 0.5).ln() / (0.6f64 / 0.4).ln();
        assert!(close(between, 10.0 * 0.8f64.powf(part)), "{between:?}");
    }

    #[test]
    fn the_smallest_time_counts_if_the_curve_crosses_twice() {
        assert!(close(metg(&of(&[(64.0, 90.0), (32.0, 40.0), (16.0, 100.0), (4.0, 25.0)])), 8.0));
    }

    #[test]
    fn without_points_on_both_sides_there_is_no_metg() {
        for points in [&[][..], &[(10.0, 90.0), (5.0, 60.0)], &[(10.0, 40.0), (5.0, 20.0)], &[(10.0, 90.0)]] {
            assert_eq!(metg(&of(points)), None);
        }
    }

    #[test]
    fn an_impossible_efficiency_is_no_measurement() {
        assert_eq!(metg(&of(&[(16.0, 151.0), (8.0, 90.0), (4.0, 25.0)])), None);
        assert!(metg(&of(&[(16.0, 149.0), (8.0, 90.0), (4.0, 25.0)])).is_some());
    }

    #[test]
    fn the_peak_is_the_best_rate_with_the_longest_tasks() {
        // The shortest tasks of the first strategy are faster than its longest tasks: that is no peak.
        let points = points(&[vec![(100, 2.0), (50, 0.4)], vec![(100, 1.0), (50, 1.0)], Vec::new()]);
        let efficiencies = |points: &[Point]| points.iter().map(|point| point.efficiency).collect::<Vec<_>>();
        assert_eq!(efficiencies(&points[0]), [0.5, 1.25]);
        assert_eq!(efficiencies(&points[1]), [1.0, 0.5]);
        assert_eq!(points[2], []);
    }

    #[test]
    fn the_table_has_a_row_for_each_strategy_and_a_column_for_each_pattern() {
        let curve = |strategy: &str, pattern: &str, metg| Curve {
            strategy: strategy.into(),
            pattern: pattern.into(),
            workers: 2,
            points: Vec::new(),
            metg,
        };
        let curves = [curve("mpi", "fft", Some(1.5e-6)), curve("async", "fft", None), curve("mpi", "tree", Some(2e-6))];
        assert_eq!(
            Table(&curves).to_string(),
            "METG(50 %) in microseconds, workers: 2\nstrategy           fft        tree\n\
             mpi               1.50        2.00\nasync                -           -"
        );
    }

    #[test]
    fn a_plan_is_measured_for_each_pattern_and_strategy() {
        let strategies = vec![Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Async];
        let patterns = vec![Pattern::Fft, Pattern::Tree];
        let plan =
            Plan { workers: 3, strategies, patterns, rounds: 2, limit: Duration::MAX, steps: 5, most: 100, least: 20 };
        let mut seen = Vec::new();
        let curves = measure(&plan, |pattern| seen.push(pattern)).unwrap();
        assert_eq!(seen, plan.patterns);
        let names: Vec<_> = curves.iter().map(|curve| (curve.pattern.as_str(), curve.strategy.as_str())).collect();
        let of = |pattern| ["serial", "rayon", "threads", "async"].map(|strategy| (pattern, strategy));
        assert_eq!(names, [of("fft"), of("tree")].concat());
        for curve in &curves {
            assert_eq!(curve.workers, if curve.strategy == "serial" { 1 } else { 3 });
            assert_eq!(curve.points.iter().map(|point| point.grain).collect::<Vec<_>>(), [100, 50, 25]);
            assert!(curve.points.iter().all(|point| point.task_seconds > 0.0 && point.efficiency > 0.0));
        }
    }
}

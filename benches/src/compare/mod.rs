//! The comparison of the strategies: they solve the same problems; medians and their ratios are taken within one run. In the
//! tour and beside C and Python the strategies take turns, under criterion they do not.

pub mod busy;
pub mod crossover;
pub mod interval;
mod plan;
mod solver;
mod table;

use std::collections::BTreeMap;

use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy, median};

use crate::peers::Peer;
use crate::solve::solve;
use busy::Busy;
use crossover::Verdict;
use interval::{Interval, Order, Sample};
pub use plan::Plan;
pub use solver::Solver;

/// The seconds that a peer may take for a problem in a round. Python needs seconds for an iteration of some kernels.
const PEER_SECONDS: f64 = 0.5;

/// The times of all strategies on all problems.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The times of single iterations, by kernel, size and strategy.
    times: BTreeMap<(&'static str, usize, usize), Times>,
    /// The failures, one line each.
    pub failures: Vec<String>,
}

#[derive(Debug)]
struct Times {
    kernel: Kernel,
    solver: Solver,
    workers: usize,
    sample: Sample,
    busy: Busy,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The kernel.
    pub kernel: Kernel,
    /// Its size.
    pub size: usize,
    /// The strategy or the peer.
    pub solver: Solver,
    /// Its workers.
    pub workers: usize,
    /// The median time of an iteration, in seconds.
    pub seconds: f64,
    /// The 95 % interval of that median, in seconds.
    pub interval: Interval,
    /// The work per second, in the kernel's unit.
    pub rate: f64,
    /// The serial time divided by this time, if the serial time is known.
    pub speedup: Option<f64>,
    /// The 95 % interval of the speed-up; `None` for the serial solution itself and where no serial time is known.
    pub speedup_interval: Option<Interval>,
    /// The share of the cores' time, from 0 to 1, that something else took while this or the serial solution was measured,
    /// if it is worth a remark.
    pub disturbed: Option<f64>,
}

impl Row {
    /// The speed-up divided by the number of workers.
    #[must_use]
    pub fn efficiency(&self) -> Option<f64> {
        self.speedup.map(|speedup| speedup / self.workers as f64)
    }

    /// What the interval of the speed-up says; `None` for the serial solution itself and where no serial time is known.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let speedup = self.speedup_interval?;
        Some(if speedup.low > 1.0 {
            Verdict::Pays
        } else if speedup.high < 1.0 {
            Verdict::Loses
        } else {
            Verdict::Open
        })
    }

    /// Half the width of the interval of the median, as a part of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        (self.interval.high - self.interval.low) / 2.0 / self.seconds
    }
}

impl Comparison {
    /// Measures what the plan says, without the strategies in `skip`. Calls `progress` before each problem.
    ///
    /// # Errors
    /// A problem of the plan does not fit in the memory.
    pub fn of(plan: &Plan, skip: &[Strategy], progress: impl FnMut(Kernel, &Problem)) -> anyhow::Result<Self> {
        let mut comparison = Self::default();
        comparison.measure(plan, skip, progress)?;
        Ok(comparison)
    }

    /// Measures what the plan says and adds it. The times of a problem that was measured before are replaced.
    ///
    /// # Errors
    /// As for [`of`](Self::of).
    pub fn measure(
        &mut self,
        plan: &Plan,
        skip: &[Strategy],
        mut progress: impl FnMut(Kernel, &Problem),
    ) -> anyhow::Result<()> {
        for (kernel, problem) in plan.problems()? {
            progress(kernel, &problem);
            // What was measured before did not take turns with what is measured now.
            self.times.retain(|key, _| (key.0, key.1) != (kernel.name(), problem.size));
            // A peer that fails here takes no turns.
            let mut peers: Vec<(Peer, Problem)> = Vec::new();
            for &peer in &plan.peers {
                match peer.solve(kernel, &Problem { iterations: 1, ..problem }) {
                    Ok(Measured { seconds, wrong: None }) => {
                        let fit = (PEER_SECONDS / median(&seconds)) as usize;
                        peers.push((peer, Problem { iterations: problem.iterations.min(fit).max(1), ..problem }));
                    }
                    failed => {
                        self.add(kernel, Solver::Peer(peer), &problem, Order::InTurns, failed, Busy::default());
                    }
                }
            }
            for _ in 0..plan.rounds {
                for &strategy in kernel.strategies().iter().filter(|strategy| !skip.contains(strategy)) {
                    self.turn(kernel, Solver::Strategy(strategy), &problem, Order::InTurns, || {
                        solve(kernel, strategy, &problem)
                    });
                }
                peers.retain(|(peer, problem)| {
                    self.turn(kernel, Solver::Peer(*peer), problem, Order::InTurns, || peer.solve(kernel, problem))
                        .is_some()
                });
            }
        }
        Ok(())
    }

    /// Lets a strategy or a peer solve a problem, watches the cores meanwhile and adds the result as a round. Returns the seconds
    /// of all iterations; `None` if it failed.
    pub fn turn(
        &mut self,
        kernel: Kernel,
        solver: Solver,
        problem: &Problem,
        order: Order,
        solve: impl FnOnce() -> anyhow::Result<Measured>,
    ) -> Option<f64> {
        let start = Busy::until_now();
        let result = solve();
        self.add(kernel, solver, problem, order, result, Busy::since(start))
    }

    /// Adds the result of a turn and what the cores did meanwhile.
    fn add(
        &mut self,
        kernel: Kernel,
        solver: Solver,
        problem: &Problem,
        order: Order,
        result: anyhow::Result<Measured>,
        busy: Busy,
    ) -> Option<f64> {
        let failure = match result {
            Ok(Measured { seconds, wrong: None }) => {
                let workers = if solver.is_parallel() { problem.workers } else { 1 };
                let key = (kernel.name(), problem.size, solver.order());
                let new = || Times { kernel, solver, workers, sample: Sample::new(order), busy: Busy::default() };
                let times = self.times.entry(key).or_insert_with(new);
                let total = seconds.iter().sum();
                times.sample.add(seconds);
                times.busy += busy;
                return Some(total);
            }
            Ok(Measured { wrong: Some(wrong), .. }) => wrong,
            Err(error) => format!("{error:#}"),
        };
        let failure = format!("{kernel} of size {} by {solver}: {failure}", problem.size);
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
        None
    }

    /// The lines of the table.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.times.iter().map(|(&(_, size, _), times)| self.row(size, times)).collect()
    }

    fn row(&self, size: usize, times: &Times) -> Row {
        let Times { kernel, solver, workers, .. } = *times;
        let seconds = times.sample.median();
        let serial = self.times.get(&(kernel.name(), size, Solver::SERIAL.order()));
        let disturbed = [Some(times), serial].into_iter().flatten().filter_map(|times| times.busy.others());
        Row {
            kernel,
            size,
            solver,
            workers,
            seconds,
            interval: times.sample.interval(),
            rate: kernel.work(size) / seconds,
            speedup: serial.map(|serial| serial.sample.median() / seconds),
            speedup_interval: serial
                .filter(|_| solver != Solver::SERIAL)
                .map(|serial| times.sample.speedup_interval(&serial.sample)),
            disturbed: disturbed.reduce(f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::crossover::Crossover;
    use super::*;

    const SERIAL: Solver = Solver::SERIAL;
    const THREADS: Solver = Solver::Strategy(Strategy::Threads);

    fn measured(seconds: &[f64]) -> anyhow::Result<Measured> {
        Ok(Measured { seconds: seconds.to_vec(), wrong: None })
    }

    #[test]
    fn ratios_are_against_the_serial_median_of_the_same_size() {
        let mut comparison = Comparison::default();
        let problem = |size| Problem { size, workers: 2, iterations: 3, grain: 1, ..Problem::DEFAULT };
        comparison.turn(Kernel::Count, SERIAL, &problem(10), Order::InTurns, || measured(&[1.0, 9.0, 2.0]));
        comparison.turn(Kernel::Count, THREADS, &problem(10), Order::InTurns, || measured(&[4.0]));
        comparison.turn(Kernel::Count, SERIAL, &problem(100), Order::InTurns, || measured(&[8.0]));
        comparison.turn(Kernel::Count, THREADS, &problem(100), Order::InTurns, || measured(&[4.0]));
        let rows = comparison.rows();
        let speedups: Vec<_> = rows.iter().map(|row| (row.size, row.solver, row.speedup.unwrap())).collect();
        assert_eq!(speedups, [(10, SERIAL, 1.0), (10, THREADS, 0.5), (100, SERIAL, 1.0), (100, THREADS, 2.0)]);
        assert_eq!(rows[3].efficiency(), Some(1.0));
        assert_eq!(rows[0].verdict(), None, "the serial solution is not compared with itself");
        let crossovers: Vec<_> = Crossover::all(&rows).iter().map(ToString::to_string).collect();
        assert_eq!(crossovers, ["pays from 100"]);
        assert!(comparison.to_string().contains("\ncount by threads: pays from 100\n"), "{comparison}");
    }

    #[test]
    fn a_wrong_result_has_no_rate() {
        let mut comparison = Comparison::default();
        let problem = Problem { size: 10, workers: 2, iterations: 3, grain: 1, ..Problem::DEFAULT };
        let wrong = Measured { seconds: vec![1.0], wrong: Some("lost".into()) };
        let total =
            comparison.turn(Kernel::Count, Solver::Strategy(Strategy::Rayon), &problem, Order::InTurns, || Ok(wrong));
        assert_eq!(total, None);
        assert!(comparison.rows().is_empty());
        assert_eq!(comparison.failures, ["count of size 10 by rayon: lost"]);
    }

    #[test]
    fn a_speed_up_whose_interval_contains_1_has_no_verdict() {
        let mut comparison = Comparison::default();
        let problem = Problem { size: 10, workers: 2, iterations: 1, grain: 1, ..Problem::DEFAULT };
        for (serial, threads, rayon) in [(1.0, 0.9, 0.5), (1.0, 1.2, 0.5), (1.0, 0.8, 0.6)] {
            comparison.turn(Kernel::Count, SERIAL, &problem, Order::InTurns, || measured(&[serial]));
            comparison.turn(Kernel::Count, THREADS, &problem, Order::InTurns, || measured(&[threads]));
            comparison.turn(Kernel::Count, Solver::Strategy(Strategy::Rayon), &problem, Order::InTurns, || {
                measured(&[rayon])
            });
        }
        let verdicts: Vec<_> = comparison.rows().iter().map(|row| (row.solver, row.verdict())).collect();
        let rayon = Solver::Strategy(Strategy::Rayon);
        assert_eq!(verdicts, [(SERIAL, None), (rayon, Some(Verdict::Pays)), (THREADS, Some(Verdict::Open))]);
        let table = comparison.to_string();
        assert!(table.lines().any(|line| line.contains("threads") && line.ends_with("no verdict")), "{table}");
    }

    #[test]
    fn a_row_tells_that_something_else_kept_the_cores_busy() {
        let mut comparison = Comparison::default();
        let problem = Problem { size: 10, workers: 2, iterations: 1, grain: 1, ..Problem::DEFAULT };
        let busy = Busy::of(200, 150, 100);
        comparison.add(Kernel::Count, SERIAL, &problem, Order::InTurns, measured(&[1.0]), busy);
        comparison.add(Kernel::Count, THREADS, &problem, Order::InTurns, measured(&[0.5]), Busy::default());
        assert!(comparison.rows().iter().all(|row| row.disturbed == Some(0.25)), "the serial time is in both rows");
        assert!(comparison.to_string().contains("others took 25 % of the cores"), "{comparison}");
    }
}

//! The comparison of the strategies: they solve the same problems in turn; medians and their ratios are taken within one run.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy, median};
use clap::ValueEnum;

use crate::peers::{self, Peer};
use crate::solve::solve;

/// How far a task of `count` counts in a comparison: some 17 µs of work.
const GRAIN: u64 = 10_000;

/// How long a request of `waiting` waits in a comparison, in microseconds.
const WAIT: u32 = 5000;

/// What a comparison measures.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number of threads, processes or ranks of the parallel strategies.
    pub workers: usize,
    /// How many times each strategy solves each problem. The strategies take turns, so that noise on the machine affects
    /// all alike.
    pub rounds: usize,
    /// The seconds that the serial solution of a problem should take in a round.
    pub seconds: f64,
    /// The sizes of each kernel, the smallest first.
    pub sizes: Vec<(Kernel, Vec<usize>)>,
    /// The programs in other languages that solve the same problems.
    pub peers: Vec<Peer>,
}

/// What solves a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// A strategy of this course
    Strategy(Strategy),
    /// A program in another language
    Peer(Peer),
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strategy(strategy) => strategy.fmt(f),
            Self::Peer(peer) => peer.fmt(f),
        }
    }
}

impl Solver {
    const SERIAL: Self = Self::Strategy(Strategy::Serial);

    /// Its place in the table: the strategies first.
    fn order(self) -> usize {
        match self {
            Self::Strategy(strategy) => strategy as usize,
            Self::Peer(peer) => 100 + peer as usize,
        }
    }

    fn is_parallel(self) -> bool {
        match self {
            Self::Strategy(strategy) => strategy != Strategy::Serial,
            Self::Peer(peer) => peer.is_parallel(),
        }
    }

    /// The lines of code of its source for a kernel, if it has a file of its own.
    #[must_use]
    pub fn lines(self, kernel: Kernel) -> Option<usize> {
        match self {
            Self::Strategy(strategy) => peers::lines_of(kernel, strategy),
            Self::Peer(peer) => fs::read_to_string(peer.source(kernel)).ok().map(|source| peers::lines(&source)),
        }
    }
}

/// The seconds that a peer may take for a problem in a round. Python needs seconds for an iteration of some kernels.
const PEER_SECONDS: f64 = 0.5;

impl Plan {
    /// A thorough comparison.
    #[must_use]
    pub fn full(workers: usize) -> Self {
        let sizes = vec![
            (Kernel::Nstream, vec![1000, 10_000, 100_000, 1_000_000, 16_000_000]),
            (Kernel::Stencil, vec![50, 100, 200, 500, 1000, 2000, 4000]),
            (Kernel::Transpose, vec![64, 256, 1024, 2048]),
            (Kernel::Pipeline, vec![50, 200, 1000, 2000]),
            (Kernel::Count, vec![2, 10, 100, 1000, 10_000]),
            (Kernel::DoSomething, vec![8192, 100_000, 1_000_000, 10_000_000]),
            (Kernel::Waiting, vec![1, 10, 100]),
        ];
        Self { workers, rounds: 5, seconds: 0.15, sizes, peers: Vec::new() }
    }

    /// A short comparison.
    #[must_use]
    pub fn quick(workers: usize) -> Self {
        let sizes = vec![
            (Kernel::Nstream, vec![1000, 1_000_000]),
            (Kernel::Stencil, vec![50, 500, 2000]),
            (Kernel::Transpose, vec![64, 1024]),
            (Kernel::Pipeline, vec![50, 1000]),
            (Kernel::Count, vec![2, 100, 1000]),
            (Kernel::DoSomething, vec![8192, 1_000_000]),
            (Kernel::Waiting, vec![1, 20]),
        ];
        Self { workers, rounds: 3, seconds: 0.05, sizes, peers: Vec::new() }
    }

    /// A comparison with the programs in other languages that can run here, at one size of each kernel.
    #[must_use]
    pub fn peers(workers: usize) -> Self {
        let sizes =
            Kernel::value_variants().iter().filter_map(|&kernel| Some((kernel, vec![peers::size(kernel)?]))).collect();
        Self { workers, rounds: 5, seconds: 0.1, sizes, peers: peers::found().to_vec() }
    }

    /// The problems of the plan. A large problem needs fewer iterations than a small one.
    ///
    /// # Errors
    /// A problem does not fit in the memory.
    pub fn problems(&self) -> anyhow::Result<Vec<(Kernel, Problem)>> {
        let mut problems = Vec::new();
        for (kernel, sizes) in &self.sizes {
            for &size in sizes {
                let mut problem = Problem { size, grain: GRAIN, wait: WAIT, ..Problem::DEFAULT };
                let once = median(&solve(*kernel, Strategy::Serial, &problem)?.seconds);
                problem.iterations = ((self.seconds / once) as usize).clamp(3, 2000);
                problem.workers = if *kernel == Kernel::Waiting { size } else { self.workers };
                problems.push((*kernel, problem));
            }
        }
        Ok(problems)
    }
}

/// The times of all strategies on all problems.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The seconds of single iterations, by kernel, size and strategy.
    times: BTreeMap<(&'static str, usize, usize), Times>,
    /// The failures, one line each.
    pub failures: Vec<String>,
}

#[derive(Debug)]
struct Times {
    kernel: Kernel,
    solver: Solver,
    workers: usize,
    seconds: Vec<f64>,
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
    /// The work per second, in the kernel's unit.
    pub rate: f64,
    /// The serial time divided by this time, if the serial time is known.
    pub speedup: Option<f64>,
}

impl Row {
    /// The speed-up divided by the number of workers.
    #[must_use]
    pub fn efficiency(&self) -> Option<f64> {
        self.speedup.map(|speedup| speedup / self.workers as f64)
    }

    /// Whether the strategy is slower than the serial solution, as far as the two printed digits show it.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.speedup.is_some_and(|speedup| speedup < 0.995)
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
                    failed => self.add(kernel, Solver::Peer(peer), &problem, failed),
                }
            }
            for _ in 0..plan.rounds {
                for &strategy in kernel.strategies().iter().filter(|strategy| !skip.contains(strategy)) {
                    let result = solve(kernel, strategy, &problem);
                    self.add(kernel, Solver::Strategy(strategy), &problem, result);
                }
                peers.retain(|(peer, problem)| {
                    let result = peer.solve(kernel, problem);
                    let is_right = result.as_ref().is_ok_and(|measured| measured.wrong.is_none());
                    self.add(kernel, Solver::Peer(*peer), problem, result);
                    is_right
                });
            }
        }
        Ok(())
    }

    /// Adds the result of a strategy or a peer on a problem.
    pub fn add(&mut self, kernel: Kernel, solver: Solver, problem: &Problem, result: anyhow::Result<Measured>) {
        let failure = match result {
            Ok(Measured { seconds, wrong: None }) => {
                let workers = if solver.is_parallel() { problem.workers } else { 1 };
                let key = (kernel.name(), problem.size, solver.order());
                let new = || Times { kernel, solver, workers, seconds: Vec::new() };
                self.times.entry(key).or_insert_with(new).seconds.extend(seconds);
                return;
            }
            Ok(Measured { wrong: Some(wrong), .. }) => wrong,
            Err(error) => format!("{error:#}"),
        };
        let failure = format!("{kernel} of size {} by {solver}: {failure}", problem.size);
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }

    /// The lines of the table.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let serial = |kernel: Kernel, size| self.times.get(&(kernel.name(), size, Solver::SERIAL.order()));
        let row = |(&(_, size, _), times): (&(_, usize, _), &Times)| {
            let Times { kernel, solver, workers, .. } = *times;
            let seconds = median(&times.seconds);
            let speedup = serial(kernel, size).map(|serial| median(&serial.seconds) / seconds);
            Row { kernel, size, solver, workers, seconds, rate: kernel.work(size) / seconds, speedup }
        };
        self.times.iter().map(row).collect()
    }

    /// A line for each kernel and parallel strategy: at which sizes it is slower than the serial solution.
    #[must_use]
    pub fn losses(&self) -> Vec<String> {
        let mut pairs: Vec<(Kernel, Strategy, Vec<Row>)> = Vec::new();
        for row in self.rows().into_iter().filter(|row| row.speedup.is_some()) {
            let Solver::Strategy(strategy) = row.solver else { continue };
            if strategy == Strategy::Serial {
                continue;
            }
            match pairs.iter_mut().find(|pair| (pair.0, pair.1) == (row.kernel, strategy)) {
                Some((.., rows)) => rows.push(row),
                None => pairs.push((row.kernel, strategy, vec![row])),
            }
        }
        let sizes = |rows: &[Row]| rows.iter().map(|row| row.size.to_string()).collect::<Vec<_>>().join(", ");
        let line = |(kernel, strategy, rows): (Kernel, Strategy, Vec<Row>)| {
            let (loses, pays): (Vec<_>, Vec<_>) = rows.into_iter().partition(Row::loses);
            match (loses.is_empty(), pays.is_empty()) {
                (true, _) => format!("{kernel} by {strategy} pays at every size"),
                (_, true) => format!("{kernel} by {strategy} loses at every size"),
                _ => format!("{kernel} by {strategy} loses at size {}; pays at {}", sizes(&loses), sizes(&pays)),
            }
        };
        pairs.into_iter().map(line).collect()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["kernel", "size", "strategy", "workers", "iteration", "rate", "speed-up", "efficiency"];
        writeln!(
            f,
            "{:12} {:>8}  {:15} {:>7} {:>11} {:>20} {:>8} {:>10}",
            head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7]
        )?;
        let mut last = None;
        for row in self.rows() {
            if last.replace((row.kernel, row.size)).is_some_and(|last| last != (row.kernel, row.size)) {
                writeln!(f)?;
            }
            let rate = format!("{:.0} {}", row.rate, row.kernel.unit());
            let speedup = row.speedup.map_or("-".into(), |speedup| format!("{speedup:.2}"));
            let efficiency = row.efficiency().map_or("-".into(), |part| format!("{:.0} %", part * 100.0));
            let loses = if row.loses() { "  loses" } else { "" };
            writeln!(
                f,
                "{:12} {:>8}  {:15} {:>7} {:>8.3} ms {rate:>20} {speedup:>8} {efficiency:>10}{loses}",
                row.kernel,
                row.size,
                row.solver,
                row.workers,
                row.seconds * 1e3
            )?;
        }
        writeln!(f)?;
        self.losses().iter().chain(&self.failures).try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
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
        comparison.add(Kernel::Count, SERIAL, &problem(10), measured(&[1.0, 9.0, 2.0]));
        comparison.add(Kernel::Count, THREADS, &problem(10), measured(&[4.0]));
        comparison.add(Kernel::Count, SERIAL, &problem(100), measured(&[8.0]));
        comparison.add(Kernel::Count, THREADS, &problem(100), measured(&[4.0]));
        let rows = comparison.rows();
        let speedups: Vec<_> = rows.iter().map(|row| (row.size, row.solver, row.speedup.unwrap())).collect();
        assert_eq!(speedups, [(10, SERIAL, 1.0), (10, THREADS, 0.5), (100, SERIAL, 1.0), (100, THREADS, 2.0)]);
        assert_eq!(rows[3].efficiency(), Some(1.0));
        assert_eq!(comparison.losses(), ["count by threads loses at size 10; pays at 100"]);
    }

    #[test]
    fn a_wrong_result_has_no_rate() {
        let mut comparison = Comparison::default();
        let problem = Problem { size: 10, workers: 2, iterations: 3, grain: 1, ..Problem::DEFAULT };
        let wrong = Measured { seconds: vec![1.0], wrong: Some("lost".into()) };
        comparison.add(Kernel::Count, Solver::Strategy(Strategy::Rayon), &problem, Ok(wrong));
        assert!(comparison.rows().is_empty());
        assert_eq!(comparison.failures, ["count of size 10 by rayon: lost"]);
    }
}

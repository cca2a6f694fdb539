//! The measurement: every number of ranks in turn, round by round, and what the times say.

use std::fmt;

use anyhow::{Context, bail, ensure};
use ch1_parallel::kernels::{Kernel, Problem, median};

use super::fit::{Law, karp_flatt, spread};
use crate::compare::busy::Busy;
use crate::compare::interval::Interval;
use crate::mpi::{self, Hosts};
use crate::units::duration;
use crate::{machine, solve};

/// How far a task of `count` counts: some 17 µs of work.
const GRAIN: u64 = 10_000;

/// The kernels whose work is divided among the ranks. In `grain` each rank adds work of its own, so the problem has no
/// fixed size.
pub const KERNELS: [Kernel; 6] =
    [Kernel::Nstream, Kernel::Stencil, Kernel::Transpose, Kernel::Pipeline, Kernel::Count, Kernel::DoSomething];

/// What a study measures.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kernel.
    pub kernel: Kernel,
    /// The size of the problem on one rank, and with any number of ranks in strong scaling.
    pub size: usize,
    /// The numbers of ranks, in ascending order and beginning with 1.
    pub ranks: Vec<usize>,
    /// Strong scaling, weak scaling or both.
    pub laws: Vec<Law>,
    /// How many times each point (a number of ranks in one kind of scaling) is measured. The points take turns, so that noise on the machine affects all alike.
    pub rounds: usize,
    /// The seconds that the iterations of a point should take in a round.
    pub seconds: f64,
    /// More arguments for the launcher, such as a host file.
    pub launcher: Vec<String>,
    /// Seeds the draws from which the intervals are found.
    pub seed: u64,
}

/// The size on `ranks` ranks in weak scaling, such that a rank has as much work as one rank has with `size`. The work of a
/// grid or a matrix grows with the square of its side.
#[must_use]
pub fn weak_size(kernel: Kernel, size: usize, ranks: usize) -> usize {
    match kernel {
        Kernel::Stencil | Kernel::Transpose | Kernel::Pipeline => {
            (size as f64 * (ranks as f64).sqrt()).round() as usize
        }
        _ => size.saturating_mul(ranks),
    }
}

impl Plan {
    /// The size on `ranks` ranks.
    #[must_use]
    pub fn size(&self, law: Law, ranks: usize) -> usize {
        match law {
            Law::Amdahl => self.size,
            Law::Gustafson => weak_size(self.kernel, self.size, ranks),
        }
    }

    /// Whether the kernel takes all sizes of the plan.
    ///
    /// # Errors
    /// A size is too small or too large.
    pub fn check(&self) -> Result<(), String> {
        let (least, most) = (self.kernel.least_size(), self.kernel.most_size());
        let kernel = self.kernel;
        for (law, ranks) in self.places() {
            let size = self.size(law, ranks);
            if !(least..=most).contains(&size) {
                let grown =
                    if size == self.size { String::new() } else { format!(", which grows to {size} on {ranks} ranks") };
                return Err(format!(
                    "invalid value '{}' for '--size <N>'{grown}: {kernel} takes {least} to {most}",
                    self.size
                ));
            }
        }
        Ok(())
    }

    /// Every kind of scaling with every number of ranks.
    fn places(&self) -> impl Iterator<Item = (Law, usize)> {
        self.laws.iter().flat_map(|&law| self.ranks.iter().map(move |&ranks| (law, ranks)))
    }

    /// Measures all points. `remark` gets a line for each remarkable thing, and `progress` one for each round.
    ///
    /// # Errors
    /// MPI is missing, a job fails, a result is wrong, or the data does not fit in the memory.
    pub fn measure(&self, mut remark: impl FnMut(&str), mut progress: impl FnMut(&str)) -> anyhow::Result<Study> {
        mpi::available()?;
        if self.launcher.is_empty() {
            // On other hosts there may be more memory.
            let largest = self.places().map(|(law, ranks)| self.size(law, ranks)).max().unwrap_or(self.size);
            solve::fits(self.kernel, largest)?;
        }
        // With one rank, both kinds of scaling have the same problem.
        let mut runs: Vec<Run> = Vec::new();
        for (law, ranks) in self.places() {
            let size = self.size(law, ranks);
            if !runs.iter().any(|run| (run.ranks, run.size) == (ranks, size)) {
                let known = runs.iter().find(|run| run.ranks == ranks).map(|run| (run.hosts, run.crowded));
                let (hosts, crowded) = match known {
                    Some(known) => known,
                    None => {
                        let Hosts { names, machines } = mpi::hosts(ranks, &self.launcher)?;
                        let crowd = crowd(ranks, machines, machine::usable_cores());
                        crowd.iter().for_each(|crowd| remark(crowd));
                        (names, crowd.is_some())
                    }
                };
                runs.push(Run { ranks, size, hosts, crowded, iterations: 3, seconds: Vec::new() });
            }
        }
        for run in &mut runs {
            let once = self.solve(run)?.into_iter().fold(f64::INFINITY, f64::min);
            run.iterations = ((self.seconds / once.max(1e-9)) as usize).clamp(3, 10_000);
        }
        let begin = Busy::until_now();
        for round in 0..self.rounds {
            progress(&format!("round {} of {}", round + 1, self.rounds));
            // The order changes, so that a machine that becomes slower does not always favour the same points.
            let mut order: Vec<usize> = (0..runs.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let seconds = median(&self.solve(&runs[index])?);
                runs[index].seconds.push(seconds);
            }
        }
        if let Some(share) = Busy::since(begin).others() {
            remark(&format!(
                "other programs took {:.0} % of the cores: measure again when they have ended",
                share * 100.0
            ));
        }
        let series = |&law: &Law| {
            let run = |&ranks: &usize| {
                runs.iter().find(|run| (run.ranks, run.size) == (ranks, self.size(law, ranks))).cloned()
            };
            Series::of(law, self.kernel, self.ranks.iter().filter_map(run).collect(), self.seed)
        };
        Ok(Study { kernel: self.kernel, rounds: self.rounds, series: self.laws.iter().map(series).collect() })
    }

    /// The seconds of the iterations of one job.
    fn solve(&self, run: &Run) -> anyhow::Result<Vec<f64>> {
        let Run { ranks, size, iterations, .. } = *run;
        let problem = Problem { size, workers: ranks, iterations, grain: GRAIN, ..Problem::DEFAULT };
        let of = || format!("{} of size {size} on {ranks} {}", self.kernel, if ranks == 1 { "rank" } else { "ranks" });
        let measured = mpi::solve_on(self.kernel, &problem, &self.launcher).with_context(of)?;
        if let Some(wrong) = measured.wrong {
            bail!("{}: {wrong}", of());
        }
        ensure!(
            measured.seconds.iter().all(|&lap| lap > 0.0),
            "{}: an iteration took no time: use a larger --size",
            of()
        );
        Ok(measured.seconds)
    }
}

/// Says that ranks share cores, if they do. `cores` is the number of cores of a machine.
fn crowd(ranks: usize, machines: usize, cores: usize) -> Option<String> {
    let all = machines * cores;
    let unit = if all == 1 { "core" } else { "cores" };
    let of =
        if machines > 1 { format!(" ({machines} machines, if each has as many as this one)") } else { String::new() };
    (ranks > all).then(|| format!("{ranks} ranks share {all} {unit}{of}: drawn, but not fitted if other points are"))
}

/// A problem on a number of ranks, and its times.
#[derive(Clone, Debug)]
pub struct Run {
    /// The number of ranks.
    pub ranks: usize,
    /// The size of the problem.
    pub size: usize,
    /// The number of hosts on which the ranks run.
    pub hosts: usize,
    /// There are more ranks than cores.
    pub crowded: bool,
    /// The number of timed iterations in a round.
    pub iterations: usize,
    /// The median seconds of an iteration in each round.
    pub seconds: Vec<f64>,
}

/// A run compared with that on one rank.
#[derive(Clone, Debug)]
pub struct Point {
    /// The run.
    pub run: Run,
    /// The median of the rounds, in seconds.
    pub seconds: f64,
    /// The 95 % interval of that median; `None` if there is only one round.
    pub interval: Option<Interval>,
    /// The rate of work divided by that of one rank: in strong scaling the ratio of the times.
    pub speedup: f64,
    /// The 95 % interval of the speed-up.
    pub speedup_interval: Option<Interval>,
    /// The serial fraction by Karp and Flatt.
    pub karp_flatt: Option<f64>,
    /// Whether the fit uses the point.
    pub fitted: bool,
}

/// The points of one kind of scaling, and the law that is fitted to them.
#[derive(Clone, Debug)]
pub struct Series {
    /// The law.
    pub law: Law,
    /// The points, from few ranks to many.
    pub points: Vec<Point>,
    /// The fitted serial fraction; `None` if only one rank was measured.
    pub serial: Option<f64>,
    /// The 95 % interval of the fraction.
    pub spread: Option<Interval>,
}

impl Series {
    /// What these runs say. The first one is that on one rank, and all have the same number of rounds.
    ///
    /// Ranks that share cores cannot follow the law, so they are not fitted, unless there is nothing else.
    #[must_use]
    pub fn of(law: Law, kernel: Kernel, runs: Vec<Run>, seed: u64) -> Self {
        let rounds = runs.first().map_or(0, |run| run.seconds.len());
        let all: Vec<usize> = (0..rounds).collect();
        let time =
            |run: &Run, drawn: &[usize]| median(&drawn.iter().map(|&round| run.seconds[round]).collect::<Vec<_>>());
        let rate = |run: &Run, drawn: &[usize]| kernel.work(run.size) / time(run, drawn);
        let speedup = |run: &Run, drawn: &[usize]| rate(run, drawn) / runs.first().map_or(1.0, |one| rate(one, drawn));
        let alone = runs.iter().any(|run| run.ranks > 1 && !run.crowded);
        let is_fitted = |run: &Run| !(run.crowded && alone);
        let serial = |drawn: &[usize]| {
            let fitted = runs.iter().filter(|run| is_fitted(run));
            law.fit(fitted.map(|run| (run.ranks as f64, speedup(run, drawn))))
        };
        let point = |run: &Run| {
            let of_all = speedup(run, &all);
            Point {
                seconds: time(run, &all),
                interval: spread(rounds, seed, |drawn| Some(time(run, drawn))),
                speedup: of_all,
                speedup_interval: spread(rounds, seed, |drawn| Some(speedup(run, drawn))),
                karp_flatt: karp_flatt(run.ranks as f64, of_all),
                fitted: is_fitted(run),
                run: run.clone(),
            }
        };
        let (points, fraction) = (runs.iter().map(point).collect(), serial(&all));
        Self { law, points, serial: fraction, spread: spread(rounds, seed, serial) }
    }

    /// The law with the fitted fraction, in words.
    #[must_use]
    pub fn verdict(&self) -> String {
        let law = match self.law {
            Law::Amdahl => "Amdahl's law",
            Law::Gustafson => "Gustafson's law",
        };
        let Some(serial) = self.serial else { return format!("{law}: no fit, since only one rank was measured") };
        let spread = self.spread.map_or(String::new(), |it| format!(" (95 %: {:.4} to {:.4})", it.low, it.high));
        format!("{law}: serial fraction {serial:.4}{spread}")
    }
}

impl Series {
    /// What the fraction means for more ranks, in words that follow the verdict.
    fn consequence(&self) -> String {
        match (self.law, self.serial) {
            (_, Some(serial)) if serial >= 1.0 => "; more ranks do less work in a second than one".into(),
            (_, Some(serial)) if serial <= 0.0 => "; the ranks lose nothing".into(),
            (Law::Amdahl, Some(serial)) => {
                format!("; at most {:.1} times as fast, with any number of ranks", 1.0 / serial)
            }
            (Law::Gustafson, Some(serial)) => format!("; each further rank adds {:.2} of a rank", 1.0 - serial),
            (_, None) => String::new(),
        }
    }
}

/// All that was measured, and what was found.
#[derive(Clone, Debug)]
pub struct Study {
    /// The kernel.
    pub kernel: Kernel,
    /// The number of rounds.
    pub rounds: usize,
    /// The kinds of scaling.
    pub series: Vec<Series>,
}

/// The columns of the file, as the README describes them.
const COLUMNS: &str = "kernel,scaling,ranks,hosts,size,rounds,iterations,seconds,seconds_low,seconds_high,speedup,\
                       speedup_low,speedup_high,efficiency,karp_flatt,shares_cores,fitted,law,serial_fraction,serial_low,\
                       serial_high";

impl Study {
    /// All points as CSV: a head, and a line for each point. What is not known is empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let bounds = |interval: Option<Interval>| {
            interval.map_or(",".into(), |interval| format!("{},{}", interval.low, interval.high))
        };
        let value = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let yes = |is: bool| if is { "yes" } else { "no" };
        let mut text = format!("{COLUMNS}\n");
        for series in &self.series {
            for point in &series.points {
                let Run { ranks, size, hosts, crowded, iterations, .. } = point.run;
                let cells = [
                    format!("{},{},{ranks},{hosts},{size}", self.kernel, series.law.scaling()),
                    format!("{},{iterations},{},{}", self.rounds, point.seconds, bounds(point.interval)),
                    format!("{},{}", point.speedup, bounds(point.speedup_interval)),
                    format!("{},{}", point.speedup / ranks as f64, value(point.karp_flatt)),
                    format!("{},{},{}", yes(crowded), yes(point.fitted), series.law.name()),
                    format!("{},{}", value(series.serial), bounds(series.spread)),
                ];
                text += &(cells.join(",") + "\n");
            }
        }
        text
    }
}

impl fmt::Display for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, series) in self.series.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let rounds = if self.rounds == 1 { "1 round".into() } else { format!("median of {} rounds", self.rounds) };
            writeln!(f, "{} scaling of {}, {rounds}", series.law.scaling(), self.kernel)?;
            writeln!(
                f,
                "{:>5} {:>5} {:>10} {:>10} {:>9} {:>13} {:>10} {:>10}",
                "ranks", "hosts", "size", "iteration", "speed-up", "95 %", "efficiency", "Karp-Flatt"
            )?;
            for point in &series.points {
                let Run { ranks, size, hosts, crowded, .. } = point.run;
                let interval = point.speedup_interval.map_or("-".into(), |it| format!("{:.2}..{:.2}", it.low, it.high));
                let efficiency = format!("{:.0} %", 100.0 * point.speedup / ranks as f64);
                let karp_flatt = point.karp_flatt.map_or("-".into(), |fraction| format!("{fraction:.4}"));
                let remark = if crowded { "  share cores" } else { "" };
                writeln!(
                    f,
                    "{ranks:>5} {hosts:>5} {size:>10} {:>10} {:>9.2} {interval:>13} {efficiency:>10} {karp_flatt:>10}{remark}",
                    duration(point.seconds),
                    point.speedup,
                )?;
            }
            writeln!(f, "{}{}", series.verdict(), series.consequence())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs whose times follow a law exactly, with a factor for each round.
    fn runs(law: Law, kernel: Kernel, serial: f64, crowded_from: usize) -> Vec<Run> {
        let run = |ranks: usize| {
            let size = if law == Law::Amdahl { 1000 } else { weak_size(kernel, 1000, ranks) };
            let seconds = 1e-3 * kernel.work(size) / kernel.work(1000) / law.speedup(serial, ranks as f64);
            // Ranks that share cores are far slower than any law says.
            let slower = if ranks >= crowded_from { 50.0 } else { 1.0 };
            let seconds = [1.0, 1.5, 0.9].map(|noise| noise * slower * seconds).to_vec();
            Run { ranks, size, hosts: 1, crowded: ranks >= crowded_from, iterations: 10, seconds }
        };
        [1, 2, 4, 8].map(run).into()
    }

    #[test]
    fn more_ranks_than_cores_share_them() {
        assert_eq!((crowd(2, 1, 2), crowd(4, 2, 2)), (None, None));
        assert_eq!(crowd(2, 1, 1).unwrap(), "2 ranks share 1 core: drawn, but not fitted if other points are");
        assert!(crowd(5, 2, 2).unwrap().starts_with("5 ranks share 4 cores (2 machines, if each has as many as this"));
    }

    #[test]
    fn sizes_grow_so_that_a_rank_keeps_its_work() {
        assert_eq!([1, 2, 4].map(|ranks| weak_size(Kernel::Stencil, 1000, ranks)), [1000, 1414, 2000]);
        assert_eq!(weak_size(Kernel::Transpose, 100, 9), 300);
        assert_eq!([1, 3].map(|ranks| weak_size(Kernel::Count, 100, ranks)), [100, 300]);
        for kernel in KERNELS {
            let grown = kernel.work(weak_size(kernel, 2000, 4)) / kernel.work(2000);
            assert!((grown / 4.0 - 1.0).abs() < 0.01, "{kernel}: {grown}");
        }
    }

    #[test]
    fn a_slow_round_changes_no_speedup_and_ranks_that_share_cores_are_not_fitted() {
        for law in [Law::Amdahl, Law::Gustafson] {
            for (kernel, crowded_from) in [(Kernel::Count, 100), (Kernel::Stencil, 100), (Kernel::Count, 8)] {
                let series = Series::of(law, kernel, runs(law, kernel, 0.1, crowded_from), 42);
                let serial = series.serial.unwrap();
                assert!((serial - 0.1).abs() < 1e-9, "{law:?} {kernel}: {serial}");
                let spread = series.spread.unwrap();
                assert!((spread.low - 0.1).abs() < 1e-9 && (spread.high - 0.1).abs() < 1e-9, "{spread:?}");
                let fitted: Vec<_> = series.points.iter().map(|point| point.fitted).collect();
                assert_eq!(fitted, [true, true, true, crowded_from > 8]);
                assert!(series.points[1].interval.is_some_and(|it| it.low < it.high), "the times themselves vary");
            }
        }
    }

    #[test]
    fn where_all_share_cores_all_are_fitted() {
        let series = Series::of(Law::Amdahl, Kernel::Count, runs(Law::Amdahl, Kernel::Count, 0.1, 2), 42);
        assert!(series.points.iter().all(|point| point.fitted) && series.serial.unwrap() > 1.0, "{series:?}");
        let one = runs(Law::Amdahl, Kernel::Count, 0.1, 2)[..1].to_vec();
        assert!(Series::of(Law::Amdahl, Kernel::Count, one, 42).verdict().contains("no fit"));
    }

    #[test]
    fn the_file_has_a_line_for_each_point_and_all_columns() {
        let laws = [Law::Amdahl, Law::Gustafson];
        let series = laws.map(|law| Series::of(law, Kernel::Count, runs(law, Kernel::Count, 0.1, 8), 42)).to_vec();
        let study = Study { kernel: Kernel::Count, rounds: 3, series };
        let csv = study.csv();
        let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines.len(), 9);
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{csv}");
        let cell = |line: usize, name: &str| lines[line][lines[0].iter().position(|column| *column == name).unwrap()];
        assert_eq!((cell(1, "ranks"), cell(1, "karp_flatt"), cell(1, "speedup")), ("1", "", "1"));
        assert_eq!((cell(8, "scaling"), cell(8, "law"), cell(8, "shares_cores")), ("weak", "gustafson", "yes"));
        assert_eq!((cell(8, "size"), cell(8, "fitted"), cell(4, "size")), ("8000", "no", "1000"));
        assert!((cell(2, "karp_flatt").parse::<f64>().unwrap() - 0.1).abs() < 1e-9);
        let text = study.to_string();
        assert!(
            text.contains("Amdahl's law: serial fraction 0.1000 (95 %: 0.1000 to 0.1000); at most 10.0 times as fast"),
            "{text}"
        );
        assert!(
            text.contains("\nGustafson's law: serial fraction 0.1000") && text.contains("  share cores\n"),
            "{text}"
        );
    }

    #[test]
    fn sizes_that_a_kernel_does_not_take_are_found_before_anything_runs() {
        let plan = |kernel: Kernel, size| Plan {
            kernel,
            size,
            ranks: vec![1, 4],
            laws: vec![Law::Amdahl, Law::Gustafson],
            rounds: 1,
            seconds: 0.1,
            launcher: Vec::new(),
            seed: 42,
        };
        assert_eq!(plan(Kernel::Stencil, 1000).check(), Ok(()));
        assert!(plan(Kernel::Stencil, 4).check().unwrap_err().contains("'4' for '--size <N>': stencil takes 5 to"));
        assert!(plan(Kernel::Stencil, 40_000).check().unwrap_err().contains("grows to 80000 on 4 ranks"));
    }
}

//! What every hazard promises: it goes wrong for certain and says why, and with `--repaired` it does not.

use std::collections::BTreeSet;
use std::fs;
use std::hint::spin_loop;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::contract::{LIMIT, Program};
use super::group::{Group, assert_only_reports};
use super::pictures;
use super::proc::signal;
use crate::program;

pub use crate::hazards;

/// A hazard has gone wrong after this time, on an idle machine.
const AT_MOST: Duration = Duration::from_secs(2);

/// This number of characters of a line of the source tells it from the other lines.
const LONGEST: usize = 40;

/// How often each hazard is run, on an idle and on a loaded machine. `HAZARD_RUNS=50` is the whole test.
fn runs() -> usize {
    std::env::var("HAZARD_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(4)
}

/// A test for each hazard of a chapter, which has the name of its program, and one test that finds a hazard without a test.
#[macro_export]
macro_rules! hazards {
    ($($name:ident { bad: $bad:expr, report: $report:expr, prints: $prints:expr })*) => {
        $(
            #[test]
            fn $name() {
                $crate::testing::hazard::Hazard {
                    program: $crate::testing::contract::Program {
                        path: env!(concat!("CARGO_BIN_EXE_", stringify!($name))),
                        source: concat!("src/bin/", stringify!($name), ".rs"),
                        bad: $bad,
                        long: &[],
                    },
                    report: $report,
                    prints: $prints,
                }
                .keeps_its_promises();
            }
        )*

        #[test]
        fn all_hazards_are_tested() {
            assert_eq!($crate::testing::hazard::hazards_of("src/bin"), [$(stringify!($name)),*].map(str::to_owned).into());
        }
    };
}

/// A hazard, and what its report must say.
pub struct Hazard {
    /// The program.
    pub program: Program,
    /// The lines of the report. A place in the source (`FILE:LINE`) is the begin of this line, in backquotes. A number that was
    /// measured, and so has a decimal point, is `_`.
    pub report: &'static [&'static str],
    /// What the repaired program prints, apart from what depends on times.
    pub prints: &'static str,
}

impl Hazard {
    /// All promises.
    pub fn keeps_its_promises(&self) {
        self.program.helps();
        self.program.refuses_bad_flags();
        self.happens_every_time();
        self.is_repaired_every_time();
        self.draws();
        self.leaves_nothing_when_it_is_stopped();
    }

    fn happens_every_time(&self) {
        let expected = self.report.join("\n") + "\n";
        let happens = || {
            let begin = Instant::now();
            let finished = self.program.run(&[]);
            assert_eq!(finished.code(), Some(3), "{}: {finished:?}", self.program);
            assert_eq!(
                self.with_lines(&without_measured(&finished.stderr)),
                expected,
                "{}: {}",
                self.program,
                finished.stderr
            );
            assert_eq!(finished.stdout, "", "{}", self.program);
            begin.elapsed()
        };
        let fastest = (0..runs()).map(|_| happens()).min();
        // The machine may have been busy with other tests during all of these runs.
        let is_fast = |fastest| fastest < AT_MOST;
        let in_time = fastest.is_some_and(is_fast) || (0..8).any(|_| is_fast(happens()));
        assert!(in_time, "{}: {fastest:?}", self.program);
        under_load(|| _ = happens());
    }

    fn is_repaired_every_time(&self) {
        let is_repaired = || {
            let printed = self.program.succeeds(&["--repaired"]);
            assert!(printed.starts_with(self.prints), "{}: {printed}", self.program);
        };
        (0..runs()).for_each(|_| is_repaired());
        under_load(is_repaired);
    }

    /// The report, with the text of each line of the source in place of its number.
    fn with_lines(&self, report: &str) -> String {
        let source = fs::read_to_string(self.program.source).expect("the source is there");
        let lines: Vec<&str> = source.lines().collect();
        let file = self.program.source;
        let mut text = String::new();
        let mut rest = report;
        while let Some(at) = rest.find(file) {
            // The name of the crate's folder stands before the file.
            let before = &rest[..at];
            text.push_str(&before[..before.rfind([' ', '(']).map_or(0, |space| space + 1)]);
            rest = rest[at + file.len()..].strip_prefix(':').expect("a line");
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = rest[..digits].parse().expect("a number");
            let line = lines[number - 1].trim();
            match line.char_indices().nth(LONGEST) {
                Some((end, _)) => text.push_str(&format!("`{}...`", &line[..end])),
                None => text.push_str(&format!("`{line}`")),
            }
            rest = &rest[digits..];
        }
        text + rest
    }

    /// Both runs can be drawn, also the one that hangs.
    fn draws(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let (svg, trace) = (folder.path().join("lanes.svg"), folder.path().join("lanes.json"));
        let path = |path: &Path| path.to_str().expect("a plain path").to_string();
        for (flags, status) in [(&[][..], 3), (&["--repaired"][..], 0)] {
            let drawing = ["--timeline", "--svg", &path(&svg), "--trace", &path(&trace)].map(str::to_owned);
            let flags: Vec<&str> = flags.iter().copied().chain(drawing.iter().map(String::as_str)).collect();
            let finished = self.program.run(&flags);
            assert_eq!(finished.code(), Some(status), "{}: {finished:?}", self.program);
            assert!(finished.stdout.contains("a column is"), "{} draws nothing: {finished:?}", self.program);
            let (svg, trace) = (self.program.whole_svg(&svg), self.program.whole_trace(&trace));
            pictures::agree(&svg, &trace).unwrap_or_else(|why| panic!("{}: {why}\n{svg}", self.program));
        }
    }

    /// Ctrl-C and SIGKILL while it starts, while it waits, and when its report comes.
    fn leaves_nothing_when_it_is_stopped(&self) {
        for moment in (0..20).chain([100, 300, 500, 520, 540]) {
            for kill in [Signal::INT, Signal::KILL] {
                let mut command = Command::new(self.program.path);
                let group = Group::start(&mut command);
                thread::sleep(Duration::from_millis(moment));
                signal(group.id(), kill);
                let (status, errors) = group.close_output().end();
                match status.code() {
                    Some(130) => assert_only_reports(&errors),
                    // The signal came before the program could catch it.
                    None if errors.is_empty() => {}
                    // The program ended before the signal came, or was killed after its report.
                    Some(3) | None => {
                        assert_eq!(self.with_lines(&without_measured(&errors)), self.report.join("\n") + "\n");
                    }
                    code => panic!("{}: {code:?}: {errors}", self.program),
                }
            }
        }
    }
}

/// The report, with `_` in place of each number that has a decimal point: it was measured, and differs from run to run.
fn without_measured(report: &str) -> String {
    let is_digit = |at: char| at.is_ascii_digit();
    let mut text = String::new();
    let mut rest = report;
    while let Some(at) = rest.find(is_digit) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|at| !is_digit(at) && at != '.').unwrap_or(from.len());
        let number = from[..end].trim_end_matches('.');
        let is_measured = number.contains('.') && number.parse::<f64>().is_ok();
        text.push_str(before);
        text.push_str(if is_measured { "_" } else { number });
        rest = &from[number.len()..];
    }
    text + rest
}

/// Calls `once` again and again in more threads than there are cores, while as many threads compute.
fn under_load(once: impl Fn() + Sync) {
    let threads = load_threads();
    loaded(|| {
        thread::scope(|scope| {
            let repeat = || (0..runs().div_ceil(threads)).for_each(|_| once());
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(repeat)).collect();
            running.into_iter().for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        });
    });
}

/// Calls `job` while twice as many threads as there are cores compute.
pub fn loaded(job: impl FnOnce()) {
    /// Ends the load, also if the test fails.
    struct Load<'ended>(&'ended AtomicBool);
    impl Drop for Load<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let _load = Load(&ended);
        for _ in 0..load_threads() {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    spin_loop();
                }
            });
        }
        job();
    });
}

fn load_threads() -> usize {
    2 * thread::available_parallelism().map_or(1, usize::from)
}

/// Programs that go on, each with its flags, under load with a deadline of 0.1 s: none is reported. On a loaded machine a thread or
/// a process may wait for a core for longer than the deadline.
pub fn none_is_reported(programs: &[(&str, &[&str])]) {
    under_load(|| {
        for (path, flags) in programs {
            let mut command = Command::new(path);
            let finished = program::run(command.args(*flags).args(["--deadline", "0.1"]), LIMIT);
            let finished = finished.expect("the program starts");
            assert_eq!(finished.code(), Some(0), "{path}: {finished:?}");
        }
    });
}

/// The hazards among the programs of a chapter, as their sources say it.
#[must_use]
pub fn hazards_of(folder: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let is_hazard =
        |path: &std::path::PathBuf| fs::read_to_string(path).is_ok_and(|source| source.contains("lesson::hazard!("));
    let name = |path: std::path::PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    files.filter(is_hazard).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_with_a_point_are_measured() {
        let report = "2 counters in 0..10, at a.rs:7: 12.5 ns, and 3 ns. In all 0.1 s, or 7.";
        let expected = "2 counters in 0..10, at a.rs:7: _ ns, and 3 ns. In all _ s, or 7.";
        assert_eq!(without_measured(report), expected);
    }
}

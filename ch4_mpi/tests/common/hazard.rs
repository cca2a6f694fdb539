//! What every hazard of this chapter promises: it goes wrong for certain and says why, and with `--repaired` it does not.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use course::program::Finished;
use course::testing::contract::Program;
use course::testing::hazard::loaded;
use course::testing::proc::{signal, wait_for};
use rustix::process::Signal;

use super::{LIMIT, hasty, mpirun, run};

/// A hazard, and what its report must say.
pub struct Hazard {
    pub program: Program,
    /// The flags that choose it, if the program shows several hazards.
    pub flags: &'static [&'static str],
    /// The smallest number of ranks that can show it.
    pub least: usize,
    /// The report for this number of ranks. For a place in the source it holds what [`at`](Self::at) returns.
    pub report: fn(&Hazard, usize) -> String,
    /// What the repaired program prints, in the order of the alphabet.
    pub prints: fn(usize) -> Vec<String>,
}

/// How often each hazard is started as a user starts it, on an idle and on a loaded machine. `HAZARD_RUNS=50` is the whole test.
pub fn runs() -> usize {
    std::env::var("HAZARD_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(1)
}

/// The whole of these, or in a short test only some of them.
fn some_of<T: Copy>(whole: &[T], short: &[T]) -> Vec<T> {
    if runs() > 1 { whole.to_vec() } else { short.to_vec() }
}

impl Hazard {
    /// All promises. The jobs of one hazard at a time, so that the load is the one that the test makes.
    pub fn keeps_its_promises(&self) {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        self.refuses_bad_flags();
        self.refuses_too_few_ranks();
        // As a user starts it, it has 4 ranks.
        for ranks in some_of(&[2, 3, 4, 5, 12], &[2, 3, 12]).into_iter().filter(|&ranks| ranks >= self.least) {
            self.happens_under_mpirun(ranks);
        }
        let all: Vec<usize> = (2..=12).collect();
        for ranks in some_of(&all, &[2, 3, 7, 12]).into_iter().filter(|&ranks| ranks >= self.least) {
            self.is_repaired(ranks);
        }
        (0..runs()).for_each(|_| self.happens());
        loaded(|| {
            for _ in 0..runs() {
                self.happens();
                self.is_repaired(4);
            }
        });
        self.draws();
        self.leaves_nothing_when_it_is_stopped();
    }

    /// Only the report and the repair: enough in a short test if another hazard of the same program keeps all promises.
    pub fn is_reported_and_repaired(&self) {
        for ranks in [2, 5] {
            self.happens_under_mpirun(ranks);
            self.is_repaired(ranks);
        }
    }

    /// Where the source has this text for the `number`th time.
    pub fn at(&self, text: &str, number: usize) -> String {
        let source = fs::read_to_string(self.program.source).expect("the source");
        let mut lines = source.lines().zip(1..).filter(|(line, _)| line.contains(text));
        let (_, line) = lines.nth(number - 1).unwrap_or_else(|| panic!("{text} is not in {}", self.program));
        format!("ch4_mpi/{}:{line}", self.program.source)
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(self.program.path);
        command.args(self.flags).args(flags);
        command
    }

    fn refuses_bad_flags(&self) {
        for flags in self.program.bad {
            let finished = self.program.run(flags);
            assert_eq!(finished.code(), Some(2), "{flags:?}: {finished:#?}");
            assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:#?}");
            assert_eq!(finished.stdout, "", "{flags:?}");
        }
    }

    fn refuses_too_few_ranks(&self) {
        for flags in [&["--ranks", &(self.least - 1).to_string()][..], &["--ranks", "1", "--repaired"]] {
            let finished = run(hasty(&mut self.command(flags)));
            assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:#?}");
            let right = format!("error: rank 0: the number of ranks: this lesson needs at least {}, not ", self.least);
            assert!(finished.stderr.starts_with(&right) && finished.stderr.lines().count() == 1, "{finished:#?}");
        }
    }

    /// The launcher prints lines of its own.
    fn happens_under_mpirun(&self, ranks: usize) {
        let finished = run(hasty(&mut mpirun(ranks, &self.command(&["--deadline", "0.5"]))));
        let report = (self.report)(self, ranks).replace(" for 1 s\n", " for 0.5 s\n");
        assert!(finished.stderr.contains(&report), "expected:\n{report}{finished:#?}");
        assert_eq!(finished.stderr.matches("reason: ").count(), 1, "{finished:#?}");
        self.has_failed(&finished);
    }

    fn happens(&self) {
        let finished = run(&mut self.command(&[]));
        assert_eq!(finished.stderr, (self.report)(self, 4), "{finished:#?}");
        self.has_failed(&finished);
    }

    fn has_failed(&self, finished: &Finished) {
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{}: {finished:#?}", self.program);
    }

    fn is_repaired(&self, ranks: usize) {
        let finished = run(&mut self.command(&["--repaired", "--ranks", &ranks.to_string()]));
        assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{}: {finished:#?}", self.program);
        let mut lines: Vec<&str> = finished.stdout.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, (self.prints)(ranks), "{}", self.program);
    }

    /// Both forms can be drawn, by the program and by rank 0.
    fn draws(&self) {
        let folder = tempfile::tempdir().unwrap();
        let svg = folder.path().join("ranks.svg");
        for (form, status) in [(&[][..], 3), (&["--repaired"], 0)] {
            let mut own = self.command(form);
            own.args(["--timeline", "--svg"]).arg(&svg);
            for command in [&mut mpirun(4, &own), &mut own] {
                let finished = run(command);
                assert_eq!(finished.code(), Some(status), "{}: {finished:#?}", self.program);
                assert!(finished.stdout.contains("a column is"), "{}: {finished:#?}", self.program);
                let drawn = fs::read_to_string(&svg).unwrap();
                assert!(drawn.ends_with("</svg>\n"), "{}: {drawn}", self.program);
                assert!((0..4).all(|rank| drawn.contains(&format!(">rank {rank}<"))), "{}: {drawn}", self.program);
                fs::remove_file(&svg).unwrap();
            }
        }
    }

    /// Ctrl-C and SIGKILL in the launch, while the ranks wait, and at the end.
    fn leaves_nothing_when_it_is_stopped(&self) {
        for moment in some_of(&[0, 50, 200, 500, 1000], &[0, 200, 1000]) {
            for kill in [Signal::INT, Signal::KILL] {
                let mark = format!("HAZARD_TEST={}-{moment}-{}", std::process::id(), kill.as_raw());
                let (name, value) = mark.split_once('=').unwrap();
                let mut command = self.command(&[]);
                command.env(name, value).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let mut program = command.spawn().unwrap();
                thread::sleep(Duration::from_millis(moment));
                signal(program.id(), kill);
                let status = wait_for("end", LIMIT, || program.try_wait().unwrap());
                // It may have ended before the signal, or not have known yet what to do with it.
                assert!(matches!(status.code(), Some(130 | 3) | None), "{}: {status:?}", self.program);
                wait_for("end of all processes", ENDED, || marked(&mark).is_empty().then_some(()));
            }
        }
    }
}

/// All processes of a job have ended within this time. On an idle machine within a second.
const ENDED: Duration = Duration::from_secs(10);

/// The processes that have this in their environment, as all of a job have.
fn marked(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let has = |environment: Vec<u8>| environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes());
    let marked = processes.filter(|process| fs::read(process.join("environ")).is_ok_and(has));
    marked.map(|process| process.display().to_string()).collect()
}

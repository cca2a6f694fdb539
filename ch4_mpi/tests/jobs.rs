//! How a job ends: by an error, by a signal, or because nobody listens any more.
#![cfg(mpi)]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{LIMIT, assert_gone, failing_rank, mpirun, run, scatter};
use course::testing::proc::{self, Process, descendants, wait_for};
use rustix::process::Signal;

/// So long a program may take to be gone with all that it has started.
const SECOND: Duration = Duration::from_secs(1);

/// These tests measure times, so they run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_rank_that_fails_ends_all_with_one_line() {
    let _alone = alone();
    for (deed, line) in [
        ("error", "error: rank 1: rank 1 was told to fail\n".to_string()),
        ("panic", "error: rank 1: rank 1 was told to panic (".to_string()),
        ("thread-panic", "error: rank 1: helper: told to panic (".to_string()),
    ] {
        let begin = Instant::now();
        let finished = run(&mut failing_rank(deed));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
        assert!(finished.stderr.starts_with(&line), "{finished:#?}");
        // The others would wait for a minute. Most of the time here is the launch's.
        assert!(begin.elapsed() < Duration::from_secs(10), "{finished:#?}");
    }
}

#[test]
fn a_rank_that_is_killed_ends_all_with_one_line() {
    let _alone = alone();
    let finished = run(&mut failing_rank("die"));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
    assert!(finished.stderr.starts_with("error: mpirun: "), "{finished:#?}");
    assert!(finished.stderr.to_lowercase().contains("killed"), "{finished:#?}");
}

#[test]
fn what_happens_after_all_have_done_their_work_is_a_remark() {
    let _alone = alone();
    let finished = run(failing_rank("die-late").arg("--timeline"));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(finished.stdout.contains("a column is"), "{finished:#?}");
    // A launcher may also find that a rank which is finalized may end as it likes.
    assert!(finished.stderr.is_empty() || finished.stderr.starts_with("remark: all ranks had done"), "{finished:#?}");
}

#[test]
fn under_an_mpirun_of_the_users_a_failure_ends_all_too() {
    let _alone = alone();
    // More than once: a launcher that is told to end may drop what it has not read.
    for _ in 0..5 {
        let finished = run(&mut mpirun(3, &failing_rank("error")));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        assert_eq!(finished.stderr.matches("error: rank 1: rank 1 was told to fail\n").count(), 1, "{finished:#?}");
    }
}

#[test]
fn a_launcher_that_is_missing_is_one_line() {
    let _alone = alone();
    let finished = run(scatter().env("MPIRUN", "no-such-mpirun"));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
    assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("no-such-mpirun"), "{finished:#?}");
}

#[test]
fn ranks_that_do_not_see_each_other_say_so_once() {
    let _alone = alone();
    // A job of one without a launcher has nobody who removes Open MPI 5's shared memory and session folders.
    let memory = tempfile::tempdir().unwrap();
    let rank = |rank: &str| {
        // What a launcher of another MPI does: it sets its variables, and this program's MPI does not know them.
        let step = [("SLURM_STEP_ID", "0"), ("SLURM_PROCID", rank), ("SLURM_STEP_NUM_TASKS", "3")];
        run(scatter().envs(step).env("OMPI_MCA_btl_sm_backing_directory", memory.path()).env("TMPDIR", memory.path()))
    };
    let first = rank("0");
    assert_eq!((first.code(), first.stdout.as_str()), (Some(1), ""), "{first:#?}");
    assert_eq!(first.stderr.lines().count(), 1, "{first:#?}");
    assert!(first.stderr.contains("scripts/mpirun -n 3"), "{first:#?}");
    // The launcher would end the job because of another one that ends badly, perhaps before the first has said why.
    let other = rank("2");
    assert_eq!((other.code(), other.stdout + &other.stderr), (Some(0), String::new()));
}

/// A job whose ranks are all up, and wait.
struct Job {
    supervisor: Child,
    family: Vec<Process>,
    _stdout: mpsc::Receiver<String>,
}

impl Job {
    fn start(command: &mut Command, ranks: usize) -> Self {
        let mut supervisor =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(supervisor.stdout.take().unwrap());
        let up: Vec<u32> = (0..ranks)
            .map(|_| {
                let line = lines.recv_timeout(LIMIT).expect("a rank is not up");
                line.rsplit(' ').next().unwrap().parse().unwrap()
            })
            .collect();
        let family = descendants(supervisor.id());
        assert!(up.iter().all(|rank| family.iter().any(|process| process.id == *rank)), "{up:?}: {family:?}");
        assert!(family.len() > ranks, "the launcher, too: {family:?}");
        Self { supervisor, family, _stdout: lines }
    }

    fn signal(&self, signal: Signal) {
        proc::signal(self.supervisor.id(), signal);
    }

    fn end(mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        let status = wait_for("end of the supervisor", LIMIT, || self.supervisor.try_wait().unwrap());
        assert_gone(&self.family, SECOND.saturating_sub(begin.elapsed()));
        (status, std::io::read_to_string(self.supervisor.stderr.take().unwrap()).unwrap())
    }
}

fn lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

#[test]
fn ctrl_c_ends_all() {
    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    job.signal(Signal::INT);
    let (status, stderr) = job.end();
    assert_eq!((status.code(), stderr.as_str()), (Some(130), ""));
}

#[test]
fn sigterm_ends_all() {
    use std::os::unix::process::ExitStatusExt;

    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    job.signal(Signal::TERM);
    let (status, stderr) = job.end();
    assert_eq!((status.signal(), stderr.as_str()), (Some(15), ""));
}

#[test]
fn a_killed_supervisor_leaves_nobody_behind() {
    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    job.signal(Signal::KILL);
    assert!(job.end().0.code().is_none());
}

#[test]
fn a_killed_launcher_leaves_no_rank_behind() {
    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    // The process that the supervisor started has become the launcher.
    proc::signal(job.family[0].id, Signal::KILL);
    let (status, stderr) = job.end();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn more_ranks_than_a_launcher_starts_from_one_thread() {
    let _alone = alone();
    // The kernel ends a rank when the thread that started it ends: launchers use more threads for many ranks.
    let finished = run(scatter().args(["--ranks", "40"]));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert_eq!(finished.stdout.lines().count(), 40);
}

#[test]
fn a_reader_that_goes_away_ends_all_quietly() {
    let _alone = alone();
    let begin = Instant::now();
    let mut command = failing_rank("chatter");
    let mut job = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, job.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'), "{line}");
    let status = job.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(std::io::read_to_string(job.stderr.take().unwrap()).unwrap(), "");
    assert!(begin.elapsed() < Duration::from_secs(20), "the ranks went on for {:?}", begin.elapsed());
}

#[test]
fn a_reader_that_goes_away_before_the_chart_ends_it_quietly() {
    let _alone = alone();
    let mut job = scatter().arg("--timeline").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // All that the ranks print. The chart follows when the launcher has ended.
    let mut output = BufReader::with_capacity(1, job.stdout.take().unwrap());
    (0..4).for_each(|_| assert!(output.read_line(&mut String::new()).unwrap() > 0));
    drop(output);
    let stderr = std::io::read_to_string(job.stderr.take().unwrap()).unwrap();
    assert_eq!((job.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_ends_all_with_one_line() {
    let _alone = alone();
    let begin = Instant::now();
    // Ranks that would go on, and ranks that have ended by themselves before it is found out.
    for mut command in [failing_rank("chatter"), scatter()] {
        let full = command.stdin(Stdio::null()).stdout(File::create("/dev/full").unwrap()).output().unwrap();
        let stderr = String::from_utf8(full.stderr).unwrap();
        let line = "error: stdout: No space left on device (os error 28)\n";
        assert_eq!((full.status.code(), stderr.as_str()), (Some(1), line), "{command:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "the ranks went on for {:?}", begin.elapsed());
}

#[test]
fn a_slow_reader_gets_everything() {
    let _alone = alone();
    let mut job = failing_rank("talk").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    // Begin to read only when the launcher is gone, and has been for longer than the supervisor waits for it.
    let mut seen = false;
    loop {
        let family = descendants(job.id());
        if seen && family.is_empty() {
            break;
        }
        seen |= family.len() > 4;
        assert!(begin.elapsed() < LIMIT, "the launcher does not end");
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(2 * SECOND);
    let text = std::io::read_to_string(job.stdout.take().unwrap()).unwrap();
    assert_eq!(text.matches(" of not so very many\n").count(), 3000);
    assert_eq!(job.wait().unwrap().code(), Some(0));
}

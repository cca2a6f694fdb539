//! How a job ends: by an error, by a signal, or because the reader of its output is gone.
#![cfg(mpi)]

mod common;

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{LIMIT, assert_gone, failing_rank, mpirun, run, scatter};
use course::testing::group::assert_only_reports;
use course::testing::proc::{self, Process, descendants, wait_for};
use rustix::process::Signal;

/// After the end of a program, all processes that it started must be gone within this time.
const SECOND: Duration = Duration::from_secs(1);

/// The tests measure times, so only one of them runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_rank_that_fails_ends_the_job_with_one_line() {
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
        // Otherwise the other ranks would wait for a minute. The launch takes most of the time here.
        assert!(begin.elapsed() < Duration::from_secs(10), "{finished:#?}");
    }
}

#[test]
fn a_rank_that_is_killed_ends_the_job_with_one_line() {
    let _alone = alone();
    let finished = run(&mut failing_rank("die"));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
    assert!(finished.stderr.starts_with("error: mpirun: "), "{finished:#?}");
    assert!(finished.stderr.to_lowercase().contains("killed"), "{finished:#?}");
}

#[test]
fn a_crash_after_all_ranks_have_done_their_work_is_a_remark() {
    let _alone = alone();
    let finished = run(failing_rank("die-late").arg("--timeline"));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(finished.stdout.contains("a column is"), "{finished:#?}");
    // Some launchers do not report a rank that is killed after MPI_Finalize.
    assert!(finished.stderr.is_empty() || finished.stderr.starts_with("remark: all ranks had done"), "{finished:#?}");
}

#[test]
fn under_the_users_mpirun_a_failure_ends_the_job_too() {
    let _alone = alone();
    // More than once: a launcher that ends may drop output that it has not read.
    for _ in 0..5 {
        let finished = run(&mut mpirun(3, &failing_rank("error")));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        assert_eq!(finished.stderr.matches("error: rank 1: rank 1 was told to fail\n").count(), 1, "{finished:#?}");
    }
}

#[test]
fn a_missing_launcher_is_an_error_of_one_line() {
    let _alone = alone();
    let finished = run(scatter().env("MPIRUN", "no-such-mpirun"));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
    assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("no-such-mpirun"), "{finished:#?}");
}

#[test]
fn a_launcher_may_call_the_script_again() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let launcher = folder.path().join("launcher");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/mpirun");
    // It ends after a few calls, if the script does call it again and again.
    let text = format!("#!/bin/bash\n((++CALLS < 5)) && export CALLS && exec '{script}' \"$@\"\n");
    fs::write(&launcher, text).unwrap();
    fs::set_permissions(&launcher, Permissions::from_mode(0o755)).unwrap();
    let finished = run(scatter().env("MPIRUN", &launcher));
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{finished:#?}");
}

#[test]
fn ranks_that_do_not_see_each_other_print_one_error() {
    let _alone = alone();
    // Without a launcher, nothing removes the shared memory and the session folders of Open MPI 5.
    let memory = tempfile::tempdir().unwrap();
    let rank = |rank: &str| {
        // As under the launcher of another MPI: it sets variables that the MPI of this program does not know.
        let step = [("SLURM_STEP_ID", "0"), ("SLURM_PROCID", rank), ("SLURM_STEP_NUM_TASKS", "3")];
        run(scatter().envs(step).env("OMPI_MCA_btl_sm_backing_directory", memory.path()).env("TMPDIR", memory.path()))
    };
    let first = rank("0");
    assert_eq!((first.code(), first.stdout.as_str()), (Some(1), ""), "{first:#?}");
    assert_eq!(first.stderr.lines().count(), 1, "{first:#?}");
    assert!(first.stderr.contains("scripts/mpirun -n 3"), "{first:#?}");
    // If another rank failed, the launcher could end the job before rank 0 has printed the reason.
    let other = rank("2");
    assert_eq!((other.code(), other.stdout + &other.stderr), (Some(0), String::new()));
}

/// A job whose ranks have all started, and wait.
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
                let line = lines.recv_timeout(LIMIT).expect("a rank did not start");
                line.rsplit(' ').next().unwrap().parse().unwrap()
            })
            .collect();
        let family = descendants(supervisor.id());
        assert!(up.iter().all(|rank| family.iter().any(|process| process.id == *rank)), "{up:?}: {family:?}");
        Self { supervisor, family, _stdout: lines }
    }

    fn signal(&self, signal: Signal) {
        proc::signal(self.supervisor.id(), signal);
    }

    /// Waits for the end of the supervisor, and then until no process of the job is left.
    fn end(mut self) -> (ExitStatus, String) {
        let status = wait_for("end of the supervisor", LIMIT, || self.supervisor.try_wait().unwrap());
        assert_gone(&self.family, SECOND);
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

/// Interrupts jobs until the ranks of one say what they wait for, or what they do in place of that. A rank prints its line a moment
/// before it waits, so one job proves nothing.
fn interrupt_until_all_report(job: impl Fn() -> String) {
    let waits = "waits for MPI_Barrier (MPI_COMM_WORLD)";
    let does = [&format!("rank 0 {waits}"), "rank 1 sleeps (does not come)", &format!("rank 2 {waits}")];
    let all_report = |said: &str| {
        does.iter().all(|does| {
            let report = format!("interrupted: {does} since ");
            said.lines().any(|line| line.starts_with(&report) && line.contains(" at ch4_mpi/examples/failing_rank.rs:"))
        })
    };
    let said: Vec<_> = (0..10).map(|_| job()).take_while(|said| !all_report(said)).collect();
    assert!(said.len() < 10, "{said:?}");
}

#[test]
fn ctrl_c_ends_the_job() {
    let _alone = alone();
    interrupt_until_all_report(|| {
        let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
        job.signal(Signal::INT);
        let (status, stderr) = job.end();
        assert_eq!(status.code(), Some(130), "{stderr}");
        assert_only_reports(&stderr);
        stderr
    });
}

#[test]
fn after_ctrl_c_the_ranks_of_the_users_mpirun_report_and_draw() {
    let _alone = alone();
    interrupt_until_all_report(|| {
        let folder = tempfile::tempdir().unwrap();
        let svg = folder.path().join("hang.svg");
        let job = Job::start(&mut mpirun(3, failing_rank("hang").arg("--svg").arg(&svg)), 3);
        job.signal(Signal::INT);
        let (_, stderr) = job.end();
        let svg = std::fs::read_to_string(&svg).unwrap();
        assert!((0..3).all(|rank| svg.contains(&format!(">rank {rank}<"))) && svg.ends_with("</svg>\n"), "{svg}");
        stderr
    });
}

#[test]
fn sigterm_ends_the_job() {
    use std::os::unix::process::ExitStatusExt;

    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    job.signal(Signal::TERM);
    let (status, stderr) = job.end();
    assert_eq!((status.signal(), stderr.as_str()), (Some(15), ""));
}

#[test]
fn a_killed_supervisor_leaves_no_process_behind() {
    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    job.signal(Signal::KILL);
    assert!(job.end().0.code().is_none());
}

#[test]
fn a_killed_launcher_leaves_no_rank_behind() {
    let _alone = alone();
    let job = Job::start(failing_rank("hang").args(["--ranks", "3"]), 3);
    assert!(job.family.len() > 3, "the launcher is missing: {:?}", job.family);
    // The first process that the supervisor started has become the launcher.
    proc::signal(job.family[0].id, Signal::KILL);
    let (status, stderr) = job.end();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn more_ranks_than_a_launcher_starts_from_one_thread() {
    let _alone = alone();
    // The kernel ends a rank when the thread that started it ends, and launchers start many ranks from several threads.
    let finished = run(scatter().args(["--ranks", "40"]));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert_eq!(finished.stdout.lines().count(), 40);
}

#[test]
fn a_reader_that_goes_away_ends_the_job_quietly() {
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
    assert!(begin.elapsed() < Duration::from_secs(20), "the ranks continued for {:?}", begin.elapsed());
}

#[test]
fn a_reader_that_goes_away_before_the_chart_ends_the_program_quietly() {
    let _alone = alone();
    let mut job = scatter().arg("--timeline").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // These are all lines of the ranks. The chart follows after the end of the launcher.
    let mut output = BufReader::with_capacity(1, job.stdout.take().unwrap());
    (0..4).for_each(|_| assert!(output.read_line(&mut String::new()).unwrap() > 0));
    drop(output);
    let stderr = std::io::read_to_string(job.stderr.take().unwrap()).unwrap();
    assert_eq!((job.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_ends_the_job_with_one_line() {
    let _alone = alone();
    let begin = Instant::now();
    // Once with ranks that would continue, once with ranks that end before the error is noticed.
    for mut command in [failing_rank("chatter"), scatter()] {
        let full = command.stdin(Stdio::null()).stdout(File::create("/dev/full").unwrap()).output().unwrap();
        let stderr = String::from_utf8(full.stderr).unwrap();
        let line = "error: stdout: No space left on device (os error 28)\n";
        assert_eq!((full.status.code(), stderr.as_str()), (Some(1), line), "{command:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "the ranks continued for {:?}", begin.elapsed());
}

#[test]
fn a_slow_reader_receives_all_output() {
    let _alone = alone();
    let mut job = failing_rank("talk").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    // Starts to read only after the launcher has ended and the supervisor's time limit has passed.
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
    thread::sleep(Duration::from_secs(2));
    let text = std::io::read_to_string(job.stdout.take().unwrap()).unwrap();
    assert_eq!(text.matches(" of not so very many\n").count(), 3000);
    assert_eq!(job.wait().unwrap().code(), Some(0));
}

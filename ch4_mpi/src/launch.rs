//! How a program starts itself under `mpirun`, and how all of it ends when its starter ends.
//!
//! ```text
//! program           the supervisor: reads the flags, passes the output on, waits
//!   └ program       for a moment: asks to be ended with the supervisor, then becomes:
//!     └ mpirun      the launcher, by way of the text of scripts/mpirun
//!       └ program   the ranks
//! ```
//!
//! A signal from the terminal reaches only the supervisor, which ends the launcher in order. If the supervisor is
//! killed, the kernel ends the launcher, because the process in between asked for this and then became the launcher.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio, exit, id};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use course::lanes::record;
use course::lesson;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{PidfdFlags, Signal, getppid, pidfd_open, pidfd_send_signal, set_parent_process_death_signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::banner::Filter;

/// How long the supervisor waits for the reports of the ranks after Ctrl-C. A rank reads the place of its call from its stack, which
/// takes some time on a busy machine.
const PATIENCE_WITH_REPORTS: Duration = Duration::from_millis(1200);

/// The settings that launchers need stand in one place. The program contains the text, so that a copy of the
/// program in another folder still starts.
const SCRIPT: &str = include_str!("../../scripts/mpirun");

/// Names the supervisor to the process in between.
const SUPERVISOR: &str = "CH4_MPI_SUPERVISOR";

/// The environment variable that names to rank 0 the file in which it tells the supervisor of the end.
const END: &str = "CH4_MPI_END";

/// All ranks have done their work; the supervisor draws.
const DONE: &[u8] = b"done";

/// The same, but rank 0 draws: the supervisor runs on another host, or has no record.
const DRAWN: &[u8] = b"drawn";

/// The launcher is asked to end, and ended after this time: nothing may be left after a second.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a launcher has told a rank in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// The rank's number.
    pub rank: usize,
    /// How many ranks there are, if the launcher says.
    pub ranks: Option<usize>,
    /// Whether the launcher is Open MPI's.
    pub by_open_mpi: bool,
}

/// Whether a launcher has started this process, by the variables that launchers set.
#[must_use]
pub fn launched() -> Option<Launched> {
    launched_by(|name| env::var(name).ok())
}

fn launched_by(variable: impl Fn(&str) -> Option<String>) -> Option<Launched> {
    let number = |name: &str| variable(name)?.parse::<usize>().ok();
    // Slurm sets SLURM_PROCID in a batch script too, which is no rank; its step has one of the reserved numbers, or
    // none.
    let in_step = number("SLURM_STEP_ID").is_some_and(|step| step < 0xffff_fff0);
    [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
        ("PMI_RANK", "PMI_SIZE"),
        ("PMIX_RANK", "SLURM_STEP_NUM_TASKS"),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ]
    .into_iter()
    .filter(|(rank, _)| in_step || *rank != "SLURM_PROCID")
    .find_map(|(rank, ranks)| {
        Some(Launched { rank: number(rank)?, ranks: number(ranks), by_open_mpi: rank.starts_with("OMPI") })
    })
}

/// In a job of Slurm: says on stderr that this program was started without mpirun or srun, and so starts `ranks` ranks itself.
fn say_missing_launcher(ranks: usize) {
    if let Some(remark) = missing_launcher(|name| env::var(name).ok(), ranks) {
        // A remark that cannot be printed is no reason to fail.
        let _ = writeln!(io::stderr(), "remark: {remark}");
    }
}

/// The remark. The ranks get nodes of the job all the same, since the launcher that the program starts asks Slurm for them. But
/// their number is not the one that the job has asked for.
fn missing_launcher(variable: impl Fn(&str) -> Option<String>, ranks: usize) -> Option<String> {
    let job = variable("SLURM_JOB_ID")?;
    let tasks = variable("SLURM_NTASKS").map(|tasks| format!(" (tasks: {tasks})")).unwrap_or_default();
    let program = env::args().next().unwrap_or_default();
    Some(format!(
        "started without mpirun or srun in job {job} of Slurm{tasks}, so {program} starts {ranks} ranks itself; for a rank for \
         each task of the job: scripts/mpirun {program}"
    ))
}

/// Has the kernel kill this rank when the process that started it is gone: a killed launcher leaves no rank behind.
pub(crate) fn end_with_launcher() {
    // It fails only for signals that do not exist.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

/// In the process between the supervisor and the launcher: becomes the launcher. In any other process: nothing.
pub(crate) fn become_launcher() {
    let Ok(order) = env::var(SUPERVISOR) else { return };
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    let mut words = order.split(' ');
    let (supervisor, ranks) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // The supervisor may have ended before the line above.
    if getppid().map(|parent| parent.to_string()).as_deref() != Some(supervisor) {
        exit(1);
    }
    let mut command = Command::new("bash");
    command.args(["-c", SCRIPT, "mpirun", "-n", ranks]).args(own_command());
    command.env_remove(SUPERVISOR).env("MPIRUN_DIE_WITH", supervisor).env("MPIRUN_QUIET", "1");
    if let (None, Some(launcher)) = (env::var_os("MPIRUN"), option_env!("MPIRUN_OF_THE_BUILD")) {
        command.env("MPIRUN", launcher);
    }
    lesson::say_error(&format!("bash, which starts mpirun: {}", command.exec()));
    exit(1)
}

fn own_command() -> impl Iterator<Item = OsString> {
    // The arguments' first is the name that was typed, which another process may not find.
    let own = env::current_exe().map_or_else(|_| env::args_os().next().unwrap_or_default(), Into::into);
    [own].into_iter().chain(env::args_os().skip(1))
}

/// Whether this program has started the job itself, so that a supervisor ends this rank.
pub(crate) fn is_supervised() -> bool {
    env::var_os(END).is_some()
}

/// In rank 0: tells the supervisor, if there is one on this host, that all ranks have done their work, and who draws.
pub(crate) fn tell_supervisor_of_the_end(supervisor_draws: bool) {
    if let Some(mut file) = env::var_os(END).and_then(|path| File::options().write(true).open(path).ok()) {
        // A supervisor that is not told takes a crash in MPI_Finalize for a failure, no more.
        let _ = file.write_all(if supervisor_draws { DONE } else { DRAWN });
    }
}

/// How a job has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// The exit status of the program.
    pub status: u8,
    /// Rank 0 has drawn what the flags ask for.
    pub drawn: bool,
}

/// Runs this program as a job of `ranks` ranks, which record their lanes in this process's record if it has one. To be called in the main thread: the kernel ends the launcher when the thread that started it
/// ends.
///
/// # Errors
/// The job cannot be started, or its output cannot be written. It is no error if the reader has gone.
pub(crate) fn supervise(ranks: usize) -> anyhow::Result<Ended> {
    say_missing_launcher(ranks);
    // A file in memory without a name, so that nothing is left behind.
    let mut told = File::from(memfd_create("end", MemfdFlags::CLOEXEC).context("a file in memory")?);
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals")?;
    let mut words = own_command();
    let mut job = record::pass_on(&mut Command::new(words.next().unwrap_or_default()))
        .args(words)
        .env(SUPERVISOR, format!("{} {ranks}", id()))
        .env(END, format!("/proc/{}/fd/{}", id(), told.as_raw_fd()))
        // A group of its own, so that Ctrl-C reaches the supervisor alone; such a group may not read the terminal.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting this program under mpirun")?;
    let begin = Instant::now();
    let launcher = Arc::new(open(&job).context("the launcher")?);

    let end = Arc::new(Mutex::new(None));
    let cannot_print = {
        let (launcher, end) = (launcher.clone(), end.clone());
        move |error| {
            // At once, not in the new thread: the job may be over already.
            lock(&end).get_or_insert(End::Output(error));
            thread::spawn(move || stop(&launcher));
        }
    };
    let stdout = pass_on(job.stdout.take(), io::stdout(), |_| true, cannot_print);
    // If stderr cannot be written either, there is no place for a report.
    let stderr = {
        // Once the job is ended from outside, a launcher has much to say about that; the reports of the ranks matter.
        let end = end.clone();
        let matters =
            move |text: &[u8]| !matches!(*lock(&end), Some(End::Signal(_))) || text.starts_with(b"interrupted: ");
        pass_on(job.stderr.take(), io::stderr(), matters, drop)
    };
    {
        let end = end.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                lock(&end).get_or_insert(End::Signal(signal));
                if signal == SIGINT && lesson::interrupt_descendants(PATIENCE_WITH_REPORTS) == 0 {
                    let seconds = begin.elapsed().as_secs_f64();
                    let name = lesson::program_name();
                    // If stderr cannot be written either, there is no place for a report.
                    let _ = writeln!(
                        io::stderr(),
                        "interrupted: {name} waits for mpirun to start its ranks since 0.000 s after the start ({seconds:.3} s ago)"
                    );
                }
                stop(&launcher);
            }
        });
    }

    let status = job.wait().context("the launcher")?;
    let said = [stdout, stderr].map(|output| output.rest(|| lock(&end).is_some()));
    let end = lock(&end).take();
    let mut words = Vec::new();
    told.read_to_end(&mut words).context("what rank 0 tells of the end")?;
    let drawn = words == DRAWN;
    let all_done = drawn || words == DONE;
    let status = match end {
        Some(End::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Some(End::Output(error)) => return Err(error).context("stdout"),
        Some(End::Signal(SIGINT)) => lesson::INTERRUPTED,
        Some(End::Signal(signal)) => {
            // Ends this process as the signal would have.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            1
        }
        None => status_of(status, &said, all_done),
    };
    Ok(Ended { status, drawn })
}

/// Why the supervisor ended the job.
#[derive(Debug)]
enum End {
    Signal(i32),
    /// What it prints cannot be written.
    Output(io::Error),
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // No thread panics while it holds one of these locks.
    shared.lock().expect("a thread of the supervisor panicked")
}

fn open(job: &std::process::Child) -> io::Result<OwnedFd> {
    let pid =
        i32::try_from(job.id()).ok().and_then(rustix::process::Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Asks the launcher to end, and ends it if it does not. Returns only if the launcher has ended, or will in a moment.
fn stop(launcher: &impl AsFd) {
    // A descriptor and not a process id: the id may belong to another process by now.
    let _ = pidfd_send_signal(launcher, Signal::TERM);
    thread::sleep(PATIENCE);
    let _ = pidfd_send_signal(launcher, Signal::KILL);
}

/// The job's exit status as a program of the course ends: an error that no rank has reported is reported here.
///
/// Once all ranks have done their work, a rank that crashes no longer changes the result, and a remark is enough. What is left
/// to do is `MPI_Finalize`, in which ranks of Open MPI 4.1 are known to crash now and then (its issue 10117).
fn status_of(status: ExitStatus, said: &[Filter], all_done: bool) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    // The report of a hang has said why.
    if let Some(code @ (0 | lesson::HANGS)) = code {
        return code;
    }
    if !said.iter().any(|output| output.error) {
        // MPICH's launcher says on stdout what Open MPI's says on stderr.
        let gist =
            said.iter().find_map(|output| output.gist.clone()).unwrap_or_else(|| match (code, status.signal()) {
                (Some(code), _) => format!("it ended with status {code}"),
                (None, signal) => format!("signal {} ended it", signal.unwrap_or(0)),
            });
        if all_done {
            let _ = writeln!(io::stderr(), "remark: all ranks had done their work when this happened: mpirun: {gist}");
            return 0;
        }
        lesson::say_error(&format!("mpirun: {gist}"));
    }
    code.filter(|code| matches!(code, 2 | 130)).unwrap_or(1)
}

/// One of the job's outputs on its way out.
struct Output {
    filter: Receiver<Filter>,
    /// Counts the lines twice: when one comes and when it is printed. Odd while the reader keeps it waiting.
    moves: Arc<AtomicU64>,
}

impl Output {
    /// Waits for the rest, now that the launcher has ended. A slow reader may take as long as it likes, unless the job
    /// `is ended` from outside. But daemons of the launcher may hold the pipe for longer, and say no more.
    fn rest(self, is_ended: impl Fn() -> bool) -> Filter {
        let mut before = self.moves.load(SeqCst);
        loop {
            match self.filter.recv_timeout(PATIENCE) {
                Ok(filter) => return filter,
                Err(_) => {
                    let now = self.moves.load(SeqCst);
                    let rests = now == before && now.is_multiple_of(2);
                    if rests || is_ended() {
                        return Filter::default();
                    }
                    before = now;
                }
            }
        }
    }
}

/// Passes whole lines from the job to `to`, if they `matter`, without the launcher's banners.
fn pass_on(
    from: Option<impl Read + Send + 'static>,
    mut to: impl Write + Send + 'static,
    matters: impl Fn(&[u8]) -> bool + Send + 'static,
    cannot_print: impl FnOnce(io::Error) + Send + 'static,
) -> Output {
    let (done, filter) = mpsc::channel();
    let moves = Arc::new(AtomicU64::new(0));
    let output = Output { filter, moves: moves.clone() };
    thread::spawn(move || {
        let mut cannot_print = Some(cannot_print);
        let mut filter = Filter::default();
        let mut print = |bytes: Vec<u8>| {
            moves.fetch_add(1, SeqCst);
            if !bytes.is_empty()
                && matters(&bytes)
                && let Err(error) = to.write_all(&bytes).and_then(|()| to.flush())
                // The rest is read nevertheless, so that no rank that must end blocks on a full pipe.
                && let Some(tell) = cannot_print.take()
            {
                tell(error);
            }
            moves.fetch_add(1, SeqCst);
        };
        if let Some(from) = from {
            let mut from = BufReader::with_capacity(1 << 16, from);
            let mut line = Vec::new();
            while let Ok(1..) = from.read_until(b'\n', &mut line) {
                print(filter.line(&line));
                line.clear();
            }
        }
        print(filter.rest());
        // Nobody listens if the supervisor is about to end.
        let _ = done.send(filter);
    });
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(variables: &[(&str, &str)]) -> Option<Launched> {
        launched_by(|name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn launchers_are_known_by_their_variables() {
        assert_eq!(by(&[]), None);
        assert_eq!(
            by(&[("OMPI_COMM_WORLD_RANK", "2"), ("OMPI_COMM_WORLD_SIZE", "4"), ("PMIX_RANK", "2")]),
            Some(Launched { rank: 2, ranks: Some(4), by_open_mpi: true })
        );
        assert_eq!(
            by(&[("PMI_RANK", "0"), ("PMI_SIZE", "3")]),
            Some(Launched { rank: 0, ranks: Some(3), by_open_mpi: false })
        );
        assert_eq!(by(&[("PMIX_RANK", "1")]), Some(Launched { rank: 1, ranks: None, by_open_mpi: false }));
    }

    #[test]
    fn a_task_of_srun_is_a_rank_and_a_batch_script_is_none() {
        let task = [("SLURM_PROCID", "3"), ("SLURM_STEP_ID", "0"), ("SLURM_STEP_NUM_TASKS", "4")];
        assert_eq!(by(&task), Some(Launched { rank: 3, ranks: Some(4), by_open_mpi: false }));
        assert_eq!(by(&[("SLURM_PROCID", "0"), ("SLURM_JOB_ID", "7")]), None);
        assert_eq!(by(&[("SLURM_PROCID", "0"), ("SLURM_STEP_ID", "4294967291")]), None);
    }

    #[test]
    fn a_program_that_no_launcher_has_started_says_so_only_in_a_job_of_slurm() {
        let remark = |variables: &[(&str, &str)]| {
            missing_launcher(
                |name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.to_string()),
                4,
            )
        };
        assert_eq!(remark(&[]), None);
        let whole = remark(&[("SLURM_JOB_ID", "7"), ("SLURM_NTASKS", "16")]).unwrap();
        assert!(whole.starts_with("started without mpirun or srun in job 7 of Slurm (tasks: 16), so "), "{whole}");
        assert!(whole.contains(" starts 4 ranks itself; ") && whole.contains("scripts/mpirun "), "{whole}");
        // Without --ntasks Slurm does not set the number.
        assert!(remark(&[("SLURM_JOB_ID", "7")]).unwrap().contains(" in job 7 of Slurm, so "));
    }
}

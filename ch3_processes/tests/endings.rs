//! How a child ends, whatever signals its parent inherited and whatever processes the child leaves behind.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::panic::resume_unwind;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch3_processes::process::Cause;
use ch3_processes::{Child, Process, Sender, children, join_all, pipe, spawn};
use course::program::{Finished, run};
use course::testing::group::LIMIT;
use course::testing::harness::{run_trials, trials};
use course::testing::proc::{alive, pid, wait_for};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, Signal, getpid, kill_process, pidfd_getfd, pidfd_open};

/// Names the program that a test runs; without it the tests run.
const PROGRAM: &str = "ENDINGS_PROGRAM";

/// A process that a child leaves behind lives for this number of seconds, if the test does not end it.
const LEFT_BEHIND: u32 = 20;

/// Long beside what an operation takes, and short beside the life of a process that is left behind.
const SOON: Duration = Duration::from_secs(8);

fn main() -> ExitCode {
    children![stay, say, signals, answer, leave_process_behind];
    // Not by `lesson`, which changes what happens to signals.
    match std::env::var(PROGRAM).as_deref() {
        Ok("terminate at once") => program(terminate_at_once),
        Ok("look at signals") => program(look_at_signals),
        Ok("wait without SIGCHLD") => program(wait_without_sigchld),
        Ok(other) => panic!("there is no program {other}"),
        Err(_) => run_trials(trials![
            a_child_can_be_terminated_though_its_parent_ignores_or_blocks_the_signal
            a_child_begins_with_no_signal_blocked
            a_child_without_an_exit_status_gives_its_result
            the_end_of_a_child_is_seen_though_its_socket_stays_open
            a_long_result_is_complete_though_the_socket_stays_open
            a_child_is_killed_if_a_panic_drops_it
        ]),
    }
}

fn program(story: fn() -> anyhow::Result<()>) -> ExitCode {
    match story() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a program that begins with signals ignored or blocked, as `env` of the GNU system understands it.
fn run_with_signals(flags: &[&str], program: &str, arguments: &[&str], name: &str) -> Finished {
    let mut command = Command::new("env");
    command.args(flags).arg(program).args(arguments).env(PROGRAM, name);
    run(&mut command, LIMIT).unwrap()
}

fn run_this_with_signals(flags: &[&str], name: &str) -> Finished {
    run_with_signals(flags, std::env::current_exe().unwrap().to_str().unwrap(), &[], name)
}

fn assert_success(finished: &Finished) {
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
}

// Functions of children, and programs.

fn stay() -> anyhow::Result<()> {
    loop {
        thread::park();
    }
}

fn say(mut begun: Sender<()>) -> anyhow::Result<()> {
    begun.send(&())?;
    stay()
}

/// The signals that this process blocks and that it ignores, each as a number with a bit for each signal.
fn signals() -> anyhow::Result<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/thread-self/status")?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        u64::from_str_radix(line.trim(), 16)
    };
    Ok((number("SigBlk:")?, number("SigIgn:")?))
}

fn bit(signal: Signal) -> u64 {
    1 << (signal.as_raw() - 1)
}

/// The signal may come before the child has run a line.
fn terminate_at_once() -> anyhow::Result<()> {
    let (blocked, ignored) = signals()?;
    ensure!((blocked | ignored) & bit(Signal::TERM) != 0, "this program should ignore or block SIGTERM");
    for _ in 0..30 {
        let mut child = spawn("stays", stay, ())?;
        child.terminate()?;
        ensure!(child.wait()?.signal() == Some(Signal::TERM.as_raw()));
    }
    let (begins, mut begun) = pipe()?;
    let mut child = spawn("says", say, (begins,))?;
    begun.recv()?;
    child.terminate()?;
    ensure!(child.wait()?.signal() == Some(Signal::TERM.as_raw()));
    Ok(())
}

fn look_at_signals() -> anyhow::Result<()> {
    let here = signals()?;
    let (blocked, ignored) = spawn("looks", signals, ())?.join()?;
    ensure!(blocked == 0, "the child blocks {blocked:x}");
    ensure!(ignored & (bit(Signal::TERM) | bit(Signal::CHILD)) == 0, "the child ignores {ignored:x}");
    ensure!(signals()? == here, "the parent handles signals as before");
    Ok(())
}

fn answer() -> anyhow::Result<Vec<u8>> {
    Ok(vec![7; 1 << 20])
}

fn wait_without_sigchld() -> anyhow::Result<()> {
    ensure!(signals()?.1 & bit(Signal::CHILD) != 0, "this program should ignore SIGCHLD");
    let mut child = spawn("forgotten", answer, ())?;
    let error = child.wait().expect_err("the system has forgotten how it ended").to_string();
    ensure!(error == "waiting for child forgotten: No child processes (os error 10)", "{error}");
    ensure!(child.join()? == [7; 1 << 20]);
    let mut killed = spawn("killed", stay, ())?;
    killed.kill()?;
    let error = killed.join().expect_err("it was killed").to_string();
    ensure!(error == "killed: waiting for its end: No child processes (os error 10)", "{error}");
    ensure!(join_all([spawn("one", answer, ())?, spawn("two", answer, ())?])?.len() == 2);
    Ok(())
}

/// Gives another process the socket to the parent, says its id, and stays or returns this many bytes.
fn leave_process_behind(mut left: Sender<u32>, bytes: Option<usize>) -> anyhow::Result<Vec<u8>> {
    // The socket to the parent, by the inode that the parent has named.
    let link = format!("socket:[{}]", std::env::var("PROCESS_SOCKET")?);
    let mut sockets = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let path = entry?.path();
        if std::fs::read_link(&path).is_ok_and(|found| found.to_string_lossy() == link) {
            sockets.push(path.file_name().and_then(|name| name.to_str()).unwrap_or_default().parse()?);
        }
    }
    let [socket] = sockets[..] else { anyhow::bail!("sockets: {sockets:?}") };
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    let copy: OwnedFd = pidfd_getfd(&this, socket, PidfdGetfdFlags::empty())?;
    // As a child does that forks: std has no `fork`.
    let other = Command::new("sleep").arg(LEFT_BEHIND.to_string()).stdin(Stdio::from(copy)).spawn()?;
    left.send(&other.id())?;
    match bytes {
        Some(bytes) => Ok(vec![5; bytes]),
        None => stay().map(|()| Vec::new()),
    }
}

// The tests.

fn a_child_can_be_terminated_though_its_parent_ignores_or_blocks_the_signal() {
    for flag in ["--ignore-signal=TERM", "--block-signal=TERM"] {
        assert_success(&run_with_signals(&[flag], env!("CARGO_BIN_EXE_process_kill"), &["--pace", "0"], ""));
        assert_success(&run_this_with_signals(&[flag], "terminate at once"));
    }
}

fn a_child_begins_with_no_signal_blocked() {
    let flags = ["--ignore-signal=TERM", "--ignore-signal=INT", "--ignore-signal=CHLD", "--block-signal=HUP"];
    let finished = run_this_with_signals(&flags, "look at signals");
    assert_success(&finished);
}

fn a_child_without_an_exit_status_gives_its_result() {
    assert_success(&run_this_with_signals(&["--ignore-signal=CHLD"], "wait without SIGCHLD"));
}

/// Ends the process that a child left behind.
struct LeftBehind(u32);

impl Drop for LeftBehind {
    fn drop(&mut self) {
        let _ = kill_process(pid(self.0), Signal::KILL);
    }
}

fn with_process_left_behind(name: &str, bytes: Option<usize>) -> (Child<Vec<u8>>, LeftBehind) {
    let (left, mut told) = pipe().unwrap();
    let child = Process::new().name(name).spawn(leave_process_behind, (left, bytes)).unwrap();
    let other = told.recv().unwrap().expect("it says the id");
    (child, LeftBehind(other))
}

fn the_end_of_a_child_is_seen_though_its_socket_stays_open() {
    type End = fn(Child<Vec<u8>>);
    let ends: [(&str, End); 5] = [
        ("wait", |mut child| assert!(!child.wait().unwrap().success())),
        ("wait_timeout", |mut child| assert!(child.wait_timeout(LIMIT).unwrap().is_some())),
        ("join", |child| assert!(matches!(child.join().unwrap_err().cause(), Cause::Ended(_)))),
        ("join_all", |child| assert!(matches!(join_all([child]).unwrap_err().cause(), Cause::Ended(_)))),
        ("drop", drop),
    ];
    for (name, end) in ends {
        let (mut child, other) = with_process_left_behind(name, None);
        let id = child.id();
        child.kill().unwrap();
        let start = Instant::now();
        end(child);
        assert!(start.elapsed() < SOON, "{name} took {:?}", start.elapsed());
        assert!(!alive(id) && alive(other.0));
    }
}

fn a_long_result_is_complete_though_the_socket_stays_open() {
    // More than a socket holds, or less.
    for bytes in [0, 1, 3 << 20] {
        let (child, other) = with_process_left_behind("join", Some(bytes));
        let start = Instant::now();
        assert!(child.join().unwrap() == vec![5; bytes]);
        assert!(start.elapsed() < SOON && alive(other.0), "{bytes} bytes took {:?}", start.elapsed());

        let (mut child, _other) = with_process_left_behind("wait", Some(bytes));
        assert!(child.wait().unwrap().success());
        assert!(join_all([child]).unwrap() == [vec![5; bytes]]);
    }
}

fn a_child_is_killed_if_a_panic_drops_it() {
    let child = Process::new().daemon(false).spawn(stay, ()).unwrap();
    let id = child.id();
    let panicking = thread::spawn(move || {
        let _child = child;
        // Like a panic, but prints nothing.
        resume_unwind(Box::new(()));
    });
    wait_for("end of the thread", LIMIT, || panicking.is_finished().then_some(()));
    assert!(panicking.join().is_err() && !alive(id));
}

//! Ctrl-C: the program says on stderr what each lane is doing, draws what the flags ask for, and ends with status 130.
//!
//! A rank under the user's own `mpirun` does the same when the launcher sends it SIGTERM.
//!
//! A thread waits for the signal, since a signal handler may do next to nothing. After the signal, everything else that
//! would end the program waits (see [`hold::hold`]): an error that follows from the interrupt need not be reported. If
//! the program is still drawing, a second Ctrl-C ends it at once.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, mpsc};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use super::endings::say_error;
use super::{drawing, hold};
use crate::lanes::picture::full_name;
use crate::lanes::{board, record};
use crate::processes;

/// A program that a signal ends has this exit status and the signal's number, as a shell shows it.
const ENDED_BY: i32 = 128;

/// A report names at most this number of lanes.
const MOST_LANES: usize = 200;

/// How long a program waits for the reports of its children.
const PATIENCE: Duration = Duration::from_millis(500);

/// Signals within this time are one Ctrl-C: a terminal, a parent and a tool like timeout(1) may each send it.
const ONE_CTRL_C: Duration = Duration::from_millis(500);

/// How long drawing may take.
const LONGEST: Duration = Duration::from_secs(3);

/// How long a child, or a rank, waits to be ended after its report.
const LINGER: Duration = Duration::from_secs(2);

/// The same for a rank of a launcher that the user started. Some launchers wait for their ranks; others kill them after a second.
const LINGER_OF_LAUNCHED: Duration = Duration::from_millis(1200);

/// The name of a child's waiting thread once the child has made its report. The parent looks for it in `/proc`.
const REPORTED: &str = "ctrl-c reported";

/// What this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// The program that the user started: it draws.
    Program,
    /// A child that the program started: it reports, and the program draws.
    Child,
    /// A rank of an MPI job that this program started: it reports, and draws if no other process does.
    Rank,
    /// A rank of an MPI job that the user started with `mpirun`. After Ctrl-C, or when another rank fails, `mpirun` sends
    /// it SIGTERM, and ends it if it does not end by itself.
    LaunchedRank,
}

static ROLE: AtomicU8 = AtomicU8::new(Role::Program as u8);
/// Whether another signal ends the program at once.
static AT_ONCE: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Says what this process is: until then it is a program.
pub fn set_role(role: Role) {
    ROLE.store(role as u8, SeqCst);
}

/// Makes Ctrl-C end this process with a report.
pub fn watch(role: Role) {
    set_role(role);
    board::watch();
    let signals: &[i32] = if role == Role::LaunchedRank { &[SIGINT, SIGTERM] } else { &[SIGINT] };
    let watching = Signals::new(signals).and_then(|mut watched| {
        for &signal in signals {
            flag::register_conditional_shutdown(signal, ENDED_BY + signal, Arc::clone(&AT_ONCE))?;
            flag::register(signal, hold::flag())?;
        }
        thread::Builder::new().name("ctrl-c".into()).stack_size(1 << 20).spawn(move || {
            if let Some(signal) = watched.forever().next() {
                end(signal);
            }
        })
    });
    if watching.is_err() {
        // No thread or no descriptor is left for it: the program ends without a report.
        AT_ONCE.store(true, SeqCst);
        for &signal in signals {
            let _ = flag::register_conditional_shutdown(signal, ENDED_BY + signal, Arc::clone(&AT_ONCE));
        }
    }
}

fn end(signal: i32) -> ! {
    if hold::ends_already() {
        thread::sleep(LINGER_OF_LAUNCHED);
        signal_hook::low_level::exit(ENDED_BY + signal);
    }
    let role = ROLE.load(SeqCst);
    hold_stdout();
    let descendants = signal_descendants();
    say_lanes(!descendants.is_empty());
    wait_for_reports(&descendants, PATIENCE);
    if role != Role::Child as u8 {
        draw();
    }
    // A launcher may kill the other ranks when the first rank has ended.
    if role != Role::Program as u8 {
        record::close();
        // It fails only for a name that is too long.
        let _ = rustix::thread::set_name(&std::ffi::CString::new(REPORTED).expect("no zero byte"));
        thread::sleep(if role == Role::LaunchedRank as u8 { LINGER_OF_LAUNCHED } else { LINGER });
    }
    // At once: a thread that holds stdout may wait for ever.
    signal_hook::low_level::exit(ENDED_BY + signal)
}

/// Draws, but with a limit on the time: a thread of the program may hold a lock that the drawing needs, or the reader
/// of stdout may not read.
pub(super) fn draw() {
    let (done, wait) = mpsc::channel();
    let drawing = thread::Builder::new().spawn(move || {
        drawing::draw_after_interrupt();
        // If the drawing took too long, no thread waits for this message any more.
        let _ = done.send(());
    });
    match drawing {
        Ok(_) => {
            if wait.recv_timeout(ONE_CTRL_C).is_err() {
                AT_ONCE.store(true, SeqCst);
                if wait.recv_timeout(LONGEST).is_err() {
                    say_error(&format!(
                        "drawing took longer than {} s: the pictures are not complete",
                        LONGEST.as_secs()
                    ));
                }
            }
        }
        Err(_) => drawing::draw_after_interrupt(),
    }
}

/// Has the processes that this one has started, and those that they have started, report what their lanes are doing, as far as
/// they run this program, and waits for them, but not for longer than this time. Returns how many there are.
pub fn interrupt_descendants(patience: Duration) -> usize {
    let descendants = signal_descendants();
    wait_for_reports(&descendants, patience);
    descendants.len()
}

/// Passes the signal on: one that was sent to this process alone has not reached the others.
fn signal_descendants() -> Vec<u32> {
    let program = |id: u32| fs::read_link(format!("/proc/{id}/exe")).ok();
    let own = program(std::process::id());
    let mut found = processes::descendants_of(std::process::id());
    found.retain(|process| own.is_some() && program(process.id) == own);
    found.retain(|process| {
        let pid = i32::try_from(process.id).ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process(pid, Signal::INT).is_ok())
    });
    found.into_iter().map(|process| process.id).collect()
}

/// Waits until each of these processes has reported or ended, but not for longer than this time.
fn wait_for_reports(processes: &[u32], patience: Duration) {
    let reported = |process: u32| {
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
        names.into_iter().any(|name| name.trim_end() == REPORTED)
    };
    let begin = Instant::now();
    let mut reports = Vec::new();
    loop {
        let new: Vec<u32> = processes.iter().copied().filter(|it| !reports.contains(it) && reported(*it)).collect();
        reports.extend(new);
        let is_done = |&process: &u32| reports.contains(&process) || !crate::processes::lives(process);
        if processes.iter().all(is_done) || begin.elapsed() > patience {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// From now on no other thread prints: the chart is to be the last that appears. A thread that is blocked in a print at this moment
/// holds stdout itself.
fn hold_stdout() {
    let (done, wait) = mpsc::channel();
    let holder = thread::Builder::new().spawn(move || {
        let _stdout = io::stdout().lock();
        // The receiver is gone if this took too long.
        let _ = done.send(());
        loop {
            thread::park();
        }
    });
    if holder.is_ok() {
        let _ = wait.recv_timeout(ONE_CTRL_C);
    }
}

/// Says what each lane is doing, in one write so that the lines of several processes do not mix. If there are `several`, the
/// name of this process stands before those of its lanes, as in a picture.
fn say_lanes(several: bool) {
    let lanes = board::report();
    let program = super::program_name();
    let process = super::process_name().or(several.then_some(program.as_str()));
    let mut text = String::new();
    for (name, sentence) in lanes.iter().take(MOST_LANES) {
        let name = full_name(process.is_some(), process.unwrap_or_default(), name);
        let _ = writeln!(text, "interrupted: {name} {sentence}");
    }
    if lanes.is_empty() {
        let name = process.unwrap_or(&program);
        let _ = writeln!(text, "interrupted: {name} runs since {} and has no lane", board::since_begin());
    }
    if lanes.len() > MOST_LANES {
        let _ = writeln!(text, "interrupted: and {} lanes more", lanes.len() - MOST_LANES);
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

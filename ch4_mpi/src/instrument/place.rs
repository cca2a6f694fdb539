//! Where in the program a call of MPI stands: the file and the line of its caller, from the stack of the thread.
//!
//! The stack of another thread is read by that thread itself, in a handler of a signal that the watcher sends to it. So a place costs
//! nothing until the watcher asks for it.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A stack is looked at up to this depth. The calls of an MPI library among themselves are some ten deep.
const DEPTH: usize = 128;

/// Most programs do not use this signal, and a thread that gets it by mistake ignores it.
const SIGNAL: c_int = libc::SIGURG;

/// How long the watcher waits for the other thread's answer. On a loaded machine the thread may wait for a core for longer than a
/// second.
pub const PATIENCE: Duration = Duration::from_secs(4);

static FRAMES: [AtomicPtr<c_void>; DEPTH] = [const { AtomicPtr::new(std::ptr::null_mut()) }; DEPTH];
/// How many frames have been written; `ASKED` until then.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);
const ASKED: usize = usize::MAX;

/// Whether a thread that gets the signal stops for ever, because its process is about to end.
static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn answer(_: c_int) {
    while STOP.load(Acquire) {
        // SAFETY: it waits for a signal.
        unsafe { libc::pause() };
    }
    if WRITTEN.load(Acquire) != ASKED {
        return;
    }
    let mut depth = 0;
    walk(|frame| {
        FRAMES[depth].store(frame, Relaxed);
        depth += 1;
        depth < DEPTH
    });
    WRITTEN.store(depth, Release);
}

fn walk(mut each: impl FnMut(*mut c_void) -> bool) {
    // SAFETY: the caller is the only thread that uses this function now: either the watcher waits for the answer, or the thread
    // looks at its own stack, which needs no lock as long as no symbol is resolved.
    unsafe { backtrace::trace_unsynchronized(|frame| each(frame.ip())) };
}

/// Where a thread is that has called MPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// In a call, which stands in this place of the program; `None` if that cannot be found out.
    InCall(Option<String>),
    /// In a function of the program, which MPI has called.
    InProgram,
}

/// Where this thread of the process is now.
pub fn of_thread(thread: i32) -> Stand {
    WRITTEN.store(ASKED, Release);
    signal(thread);
    let begin = Instant::now();
    while WRITTEN.load(Acquire) == ASKED {
        if begin.elapsed() > PATIENCE {
            WRITTEN.store(0, Release);
            return Stand::InCall(None);
        }
        thread::yield_now();
    }
    let depth = WRITTEN.load(Acquire);
    let frames: Vec<Frame> = FRAMES[..depth].iter().map(|frame| resolve(frame.load(Relaxed))).collect();
    // What stands before the innermost call of MPI was called by MPI.
    let called =
        frames.iter().position(|frame| matches!(frame, Frame::Mpi(_))).map_or(&[][..], |inner| &frames[..inner]);
    if called.iter().any(|frame| matches!(frame, Frame::Program(_))) {
        return Stand::InProgram;
    }
    Stand::InCall(caller(&frames))
}

/// Stops another thread of this process, which is about to end.
pub fn stop(thread: i32) {
    STOP.store(true, Release);
    signal(thread);
}

fn signal(thread: i32) {
    // SAFETY: the handler reads the stack and writes atomics. The action is a plain struct; all its fields are set.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = answer as extern "C" fn(c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(SIGNAL, &action, std::ptr::null_mut());
        libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, SIGNAL);
    }
}

/// Where the call of MPI stands in which the current thread is.
pub fn here() -> Option<String> {
    let mut frames = Vec::with_capacity(16);
    walk(|frame| {
        frames.push(frame);
        // A caller that is farther away is not worth the time.
        frames.len() < 24
    });
    caller(&frames.into_iter().map(resolve).collect::<Vec<_>>())
}

/// Reads the debug information, which takes some ten milliseconds, before a call waits for it.
pub fn prepare() {
    let _ = here();
}

/// A frame of a stack.
#[derive(Clone, Debug)]
enum Frame {
    /// One of the functions `MPI_...` of the instrument, and the place in the program if the compiler has inlined it there.
    Mpi(Option<String>),
    /// A function of the instrument, of the crate `mpi` or of the standard library.
    Between,
    /// A function of the program.
    Program(String),
    /// A function without debug information.
    Bare(Option<String>),
}

fn caller(frames: &[Frame]) -> Option<String> {
    let entry = frames.iter().rposition(|frame| matches!(frame, Frame::Mpi(_)));
    if let Some(Frame::Mpi(Some(place))) = entry.map(|entry| &frames[entry]) {
        return Some(place.clone());
    }
    let above = &frames[entry.map_or(0, |entry| entry + 1)..];
    let program = above.iter().find_map(|frame| match frame {
        Frame::Program(place) => Some(place.clone()),
        _ => None,
    });
    // A program without debug information has at least names of functions.
    program.or_else(|| {
        above.iter().find_map(|frame| match frame {
            Frame::Bare(Some(name)) if entry.is_some() => Some(name.clone()),
            _ => None,
        })
    })
}

fn resolve(frame: *mut c_void) -> Frame {
    static KNOWN: LazyLock<Mutex<HashMap<usize, Frame>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(frame as usize).or_insert_with(|| resolve_anew(frame)).clone()
}

fn resolve_anew(frame: *mut c_void) -> Frame {
    let mut found = Frame::Bare(None);
    // The functions that are inlined into each other, the innermost first.
    backtrace::resolve(frame, |symbol| {
        let name = symbol.name().map(|name| name.to_string()).unwrap_or_default();
        let place = symbol.filename().zip(symbol.lineno()).map(|(file, line)| (file.to_path_buf(), line));
        let is_entry = name.starts_with("MPI_") || name.contains("instrument::functions::MPI_");
        let is_between = place.as_ref().is_some_and(|(file, _)| is_between(file));
        found = match (&found, place) {
            (Frame::Program(_) | Frame::Mpi(Some(_)), _) => return,
            // A program without debug information has at least the name.
            (_, place) if is_entry && (is_between || place.is_none()) => Frame::Mpi(None),
            (Frame::Mpi(None), Some((file, line))) if !is_between => Frame::Mpi(Some(shown(&file, line))),
            (Frame::Mpi(None), _) => return,
            (_, Some((file, line))) if !is_between => Frame::Program(shown(&file, line)),
            (_, Some(_)) => Frame::Between,
            (Frame::Between, None) => return,
            (_, None) if !name.is_empty() => Frame::Bare(Some(format!("the function {name}"))),
            (_, None) => return,
        };
    });
    found
}

/// Whether a source file belongs to what stands between the program and MPI.
fn is_between(file: &Path) -> bool {
    let file = file.to_string_lossy();
    file.starts_with("/rustc/")
        || file.contains("ch4_mpi/src/instrument/")
        || file.contains("/library/core/src/")
        || file.contains("/library/std/src/")
        // Python's interpreter: its lines are not the program's.
        || file.contains("/Python-3.")
        // The C library, where its debug information is installed.
        || file.contains("/sysdeps/")
        || ["./csu/", "./nptl/", "./posix/"].iter().any(|of_libc| file.starts_with(of_libc))
        || ["/mpi-0.", "/backtrace-0."].iter().any(|of_crate| file.contains(of_crate))
}

/// Files of this workspace and of the current folder are shown with relative paths.
fn shown(file: &Path, line: u32) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let folder = std::env::current_dir().ok();
    let relative = [workspace, folder.as_deref()].into_iter().flatten().find_map(|base| file.strip_prefix(base).ok());
    format!("{}:{line}", relative.unwrap_or(file).display())
}

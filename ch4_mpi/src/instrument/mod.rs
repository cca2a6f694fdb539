//! The instrument of MPI programs: it takes the place of MPI's functions and passes each call on (see [`functions`]).
//!
//! - Each blocking call is a wait of its rank's lane, and each message is in the record, so that both are drawn.
//! - A job that hangs ends with a report: which rank waits for which rank, in which call, and where the call stands.
//!
//! The programs of this chapter are linked with it. For any other MPI program it is a library that is loaded before MPI
//! (`examples/mpi_watch.rs`, started by `scripts/mpirun --deadline S`).
//!
//! This is the only module of the chapter with `unsafe` code: functions of C are called and replaced here.

#![allow(unsafe_code)]

mod calls;
mod communicators;
pub mod functions;
pub mod graph;
mod links;
mod messages;
mod place;
mod requests;
pub mod state;
mod watcher;

use std::ffi::{c_int, c_void};
use std::io::{self, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use course::clock::Moment;
use course::lanes::board::Call;
use mpi::ffi::{self, MPI_Comm};

/// The environment variables that scripts/mpirun sets: after how many seconds without a move a job hangs; and whether standard
/// sends are synchronous.
pub const DEADLINE: &str = "MPIRUN_DEADLINE";
/// See [`DEADLINE`].
pub const STRICT: &str = "MPIRUN_STRICT_SENDS";

/// Whether calls are noted.
static ON: AtomicBool = AtomicBool::new(false);
/// Whether calls and messages are recorded, to be drawn.
static RECORDS: AtomicBool = AtomicBool::new(false);
/// Whether each standard send is synchronous.
static STRICT_SENDS: AtomicBool = AtomicBool::new(false);
/// Whether this rank has come to the end of its program.
static FINALIZED: AtomicBool = AtomicBool::new(false);

/// The number of this rank.
static RANK: AtomicU32 = AtomicU32::new(0);

/// The name of this host, if the job runs on several.
static HOST: OnceLock<String> = OnceLock::new();

static SETTINGS: OnceLock<Settings> = OnceLock::new();
static HOOKS: OnceLock<Hooks> = OnceLock::new();
static OWN: Mutex<Option<Private>> = Mutex::new(None);

/// A communicator of the instrument, in which no message of the program can be received.
struct Private(MPI_Comm);

// SAFETY: a handle is a number or a pointer that only MPI follows, and MPI allows any thread to use it.
unsafe impl Send for Private {}

/// How the instrument works.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// After this time without a move of any rank, the job hangs; zero: it is not watched.
    pub deadline: Duration,
    /// Each standard send is synchronous, so that a deadlock does not depend on the size of a message.
    pub strict_sends: bool,
}

impl Settings {
    /// What the environment says.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        let deadline = std::env::var(DEADLINE).ok();
        let strict_sends = std::env::var_os(STRICT).is_some_and(|strict| strict == "1");
        let seconds = deadline.as_ref().and_then(|seconds| seconds.parse().ok());
        let deadline = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        (deadline.is_some() || strict_sends).then(|| Self { deadline: deadline.unwrap_or_default(), strict_sends })
    }
}

/// What a program does when its job hangs.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Called in rank 0 after the report.
    pub report: fn(),
    /// Called in each rank before it is ended.
    pub exit: fn(),
}

/// Says how the instrument works, before MPI begins. Without it the environment decides.
pub fn configure(settings: Settings, hooks: Hooks) {
    let _ = SETTINGS.set(settings);
    let _ = HOOKS.set(hooks);
}

/// Calls `what`, whose calls of MPI are not those of the program.
pub fn unnoted<T>(what: impl FnOnce() -> T) -> T {
    let was_on = ON.swap(false, SeqCst);
    let value = what();
    ON.store(was_on, SeqCst);
    value
}

/// What a thread of this process (by the kernel's number) waits for in MPI, for the report after Ctrl-C.
#[must_use]
pub fn current_call(thread: i32) -> Option<Call> {
    let slot = calls::slots().into_iter().find(|slot| slot.thread == thread)?;
    let blocked = state::blocked(slot)?;
    let since = Moment(slot.still_since().unwrap_or_else(|| Moment::now().0));
    Some(Call { what: graph::what(&blocked), since, place: blocked.place.unwrap_or_default() })
}

/// From now on calls and messages are recorded.
pub fn record() {
    place::prepare();
    RECORDS.store(true, SeqCst);
}

/// Begins, in every rank, as the last part of MPI_Init.
fn begin() {
    // MPICH's MPI_Init of Fortran calls the one of C.
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if BEGUN.swap(true, SeqCst) {
        return;
    }
    let Some(settings) = SETTINGS.get().copied().or_else(Settings::of_environment) else { return };
    let (mut rank, mut ranks): (c_int, c_int) = (0, 0);
    let mut own = world();
    let mut level: c_int = 0;
    // SAFETY: MPI has begun, and each call writes what its pointer points to.
    unsafe {
        ffi::PMPI_Query_thread(&mut level);
        ffi::PMPI_Comm_rank(world(), &mut rank);
        ffi::PMPI_Comm_size(world(), &mut ranks);
        ffi::PMPI_Comm_dup(world(), &mut own);
    }
    *OWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Private(own));
    let (rank, ranks) = (rank.unsigned_abs(), ranks.unsigned_abs());
    // SAFETY: constants that are never written after the program is loaded.
    if unsafe { level == ffi::RSMPI_THREAD_SINGLE || level == ffi::RSMPI_THREAD_FUNNELED } {
        calls::is_only_thread();
    } else {
        calls::may_be_called_by_others();
    }
    RANK.store(rank, SeqCst);
    communicators::begin(rank, ranks);
    functions::finalize_with_mpi();
    // SAFETY: a constant that is never written after the program is loaded; the name ends with a zero byte. Open MPI returns the
    // address of this variable as the request of each operation that is complete at once.
    unsafe {
        requests::is_always_complete(functions::word(ffi::RSMPI_REQUEST_NULL));
        let shared = libc::dlsym(libc::RTLD_DEFAULT, c"ompi_request_empty".as_ptr());
        if !shared.is_null() {
            requests::is_always_complete(shared as usize);
        }
    }
    STRICT_SENDS.store(settings.strict_sends, SeqCst);
    if !settings.deadline.is_zero() {
        let on_one_host = on_one_host(own, ranks);
        // If rank 0 cannot listen, the job is not watched.
        let (listener, contact) = match (rank == 0).then(|| watcher::listen(on_one_host)) {
            Some(Ok((listener, contact))) => (Some(listener), contact),
            _ => (None, watcher::Contact::default()),
        };
        let contact = share(own, &contact);
        let host = (!on_one_host).then(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
        host.iter().for_each(|host| HOST.set(host.clone()).unwrap_or_default());
        if rank > 0 || listener.is_some() {
            watcher::watch(rank, ranks, host, settings.deadline, contact, listener);
        }
    } else {
        watcher::look();
    }
    ON.store(true, SeqCst);
}

/// The end of this rank's program, and of the instrument: waits until all ranks have come to their end, so that the watchers of all
/// ranks can answer until then.
fn end() -> c_int {
    FINALIZED.store(true, SeqCst);
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut result = 0;
    if let Some(Private(mut own)) = own {
        // SAFETY: the communicator is the instrument's own, and every rank comes here once.
        unsafe {
            result = ffi::PMPI_Barrier(own);
            ffi::PMPI_Comm_free(&mut own);
        }
    }
    ON.store(false, SeqCst);
    result
}

/// Tells the instrument that this rank's part of a lesson is done, and waits until that is so in all ranks. What follows is not
/// noted any more.
pub fn finish() {
    functions::finalize(end);
}

fn world() -> MPI_Comm {
    // SAFETY: a constant that is never written after the program is loaded.
    unsafe { ffi::RSMPI_COMM_WORLD }
}

fn on_one_host(own: MPI_Comm, ranks: u32) -> bool {
    let (mut here, mut size): (MPI_Comm, c_int) = (own, 0);
    // SAFETY: the communicator is the instrument's own; each call writes what its pointer points to.
    unsafe {
        ffi::PMPI_Comm_split_type(own, ffi::RSMPI_COMM_TYPE_SHARED, 0, ffi::RSMPI_INFO_NULL, &mut here);
        ffi::PMPI_Comm_size(here, &mut size);
        ffi::PMPI_Comm_free(&mut here);
    }
    size.unsigned_abs() == ranks
}

/// Gives rank 0's contact to all ranks.
fn share(own: MPI_Comm, contact: &watcher::Contact) -> watcher::Contact {
    let mut text = serde_json::to_vec(contact).unwrap_or_default();
    let mut length = text.len() as c_int;
    // SAFETY: the communicator is the instrument's own; the buffers have the lengths that are passed.
    unsafe {
        ffi::PMPI_Bcast((&raw mut length).cast::<c_void>(), 4, ffi::RSMPI_UINT8_T, 0, own);
        text.resize(length.unsigned_abs() as usize, 0);
        ffi::PMPI_Bcast(text.as_mut_ptr().cast(), length, ffi::RSMPI_UINT8_T, 0, own);
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Writes the report of a hang, and lets the program draw what it was asked to draw.
fn report(text: &str) {
    // If stderr cannot be written, there is no place for a report.
    let _ = io::stderr().write_all(text.as_bytes());
    wait_for_reader();
    if let Some(hooks) = HOOKS.get() {
        course::lesson::end_without_report();
        // The launcher may end this rank as soon as another one has ended.
        (hooks.exit)();
        (hooks.report)();
    }
}

/// Writes what the program has printed with C's stdio. Not what it reads: another thread may wait in stdin.
fn flush_stdio() {
    unsafe extern "C" {
        static stdout: *mut libc::FILE;
        static stderr: *mut libc::FILE;
    }
    // SAFETY: C's library has these variables; the program's threads are in MPI, where they do not print.
    unsafe {
        libc::fflush(stdout);
        libc::fflush(stderr);
    }
}

/// Whether the launcher is Hydra, which belongs to MPICH and the libraries that are made from it.
fn has_launcher_of_mpich() -> bool {
    let version = mpi::environment::library_version().unwrap_or_default();
    version.starts_with("MPICH") || version.starts_with("Intel")
}

/// When a rank ends, some launchers drop the output that they have not read.
fn wait_for_reader() {
    let begin = Instant::now();
    let mut unread = 0;
    // SAFETY: the call writes a number, if stderr is a pipe.
    while unsafe { libc::ioctl(2, libc::FIONREAD, &mut unread) } == 0 && unread > 0 && begin.elapsed().as_millis() < 200
    {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends this process with the status of a job that hangs, at a moment by the clock of this machine.
fn exit(at: Moment) -> ! {
    if let Some(hooks) = HOOKS.get() {
        course::lesson::end_without_report();
        (hooks.exit)();
    }
    flush_stdio();
    if has_launcher_of_mpich() {
        // This launcher gives the status of a rank that it killed itself, unless a rank aborts. So the others wait to be killed.
        if RANK.load(SeqCst) == 0 {
            // In a thread of its own, in case that it does not return.
            thread::spawn(|| {
                // SAFETY: the handle is a constant. Another thread is in MPI, but this is the end of the job, as in `lesson`.
                unsafe { ffi::PMPI_Abort(world(), course::lesson::HANGS.into()) }
            });
        }
        thread::sleep(Duration::from_secs(1));
    } else {
        // Ranks that spin in MPI would keep the others from ending in time.
        calls::slots().into_iter().for_each(|slot| place::stop(slot.thread));
        // Ranks on another host have another clock.
        thread::sleep(at.since(Moment::now()).min(Duration::from_millis(100)));
    }
    // SAFETY: nothing of this process is run any more.
    unsafe { libc::_exit(course::lesson::HANGS.into()) }
}

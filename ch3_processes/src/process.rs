//! Functions of this program in child processes.
//!
//! [`spawn`] runs the program again and tells the new process which function to call, with which arguments. So that it
//! can, the first line of `main` is [`children!`](crate::children) with the functions that may be asked for: in a child
//! it calls the right one and never returns.
//!
//! - **A child never outlives its parent,** however the parent ends. A [`Child`] that is dropped is killed.
//! - **An error or a panic in a child is an error in the parent,** with its text: see [`Child::join`].
//! - A child has the parent's stdout and stderr, and no stdin.
//!
//! Unlike Python's `multiprocessing` there is no forking without `exec`: a fork copies locks that other threads hold,
//! and never releases them in the copy.

use std::any::{TypeId, type_name};
use std::ffi::CString;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio, exit};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ch1_parallel::{lanes, lesson};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Signal, getpid, kill_process};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::descriptors::{Packed, pack, unpack};
use crate::wire;

/// The environment variable that makes a process a child: the inode of the socket that is its stdin. A program that a
/// child runs inherits the variable but not the socket, so it is no child.
const SOCKET: &str = "PROCESS_SOCKET";

/// Lists the functions that [`spawn`](crate::spawn) may run in child processes. The first line of `main`: in a child it
/// calls the function and ends the process.
#[macro_export]
macro_rules! children {
    ($($function:expr),* $(,)?) => {
        $crate::process::enter(vec![$($crate::process::Entry::of($function)),*])
    };
}

/// A function that can run in a child process: up to eight arguments, in `A` as a tuple, and a result or an error.
pub trait Function<A>: 'static {
    /// What it returns if all goes well.
    type Value: Serialize + DeserializeOwned;

    /// Calls it.
    ///
    /// # Errors
    /// Those of the function.
    fn call(&self, arguments: A) -> anyhow::Result<Self::Value>;
}

macro_rules! functions {
    ($($argument:ident),*) => {
        impl<F, R, $($argument),*> Function<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> anyhow::Result<R> + 'static,
            R: Serialize + DeserializeOwned,
        {
            type Value = R;

            #[allow(non_snake_case, reason = "an argument is named as its type")]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> anyhow::Result<R> {
                self($($argument),*)
            }
        }
    };
}
functions!();
functions!(A);
functions!(A, B);
functions!(A, B, C);
functions!(A, B, C, D);
functions!(A, B, C, D, E);
functions!(A, B, C, D, E, G);
functions!(A, B, C, D, E, G, H);
functions!(A, B, C, D, E, G, H, I);

/// A function as [`children!`](crate::children) lists it.
pub struct Entry {
    id: Id,
    call: Box<dyn FnOnce(Packed) -> anyhow::Result<Packed>>,
}

/// Which function. The name goes to the child, since a `TypeId` cannot; the `TypeId` tells closures of one name apart.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Id {
    name: &'static str,
    kind: TypeId,
}

impl Id {
    fn of<F: 'static>() -> Self {
        // A function pointer or a closure that captures something is a value, of which the child would know nothing.
        const { assert!(size_of::<F>() == 0, "a child process can run a function, but not a function pointer") };
        Self { name: type_name::<F>(), kind: TypeId::of::<F>() }
    }
}

impl Entry {
    /// The entry of `function`.
    #[must_use]
    pub fn of<A: DeserializeOwned, F: Function<A>>(function: F) -> Self {
        let call = move |packed: Packed| {
            let arguments = unpack(&packed.bytes, packed.descriptors)
                .map_err(|error| anyhow::anyhow!("its arguments cannot be read: {error}"))?;
            let value = function.call(arguments)?;
            let mut packed = packed_with(&Outcome::Value)?;
            pack(&value, &mut packed)?;
            Ok(packed)
        };
        Self { id: Id::of::<F>(), call: Box::new(call) }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.name)
    }
}

/// What a child is told to do; its arguments follow.
#[derive(Serialize, Deserialize)]
struct Request {
    /// The name of the process.
    name: String,
    function: String,
}

/// How a function ended; its value follows.
#[derive(Serialize, Deserialize)]
enum Outcome {
    Value,
    Failed(String),
    Panicked(String),
    /// Whoever read the output has gone.
    OutputClosed,
}

fn packed_with(head: &impl Serialize) -> io::Result<Packed> {
    let mut packed = Packed::default();
    pack(head, &mut packed)?;
    Ok(packed)
}

/// Splits what [`packed_with`] and a later `pack` wrote.
fn head_of<H: DeserializeOwned>(packed: &mut Packed) -> io::Result<H> {
    let (head, rest) = postcard::take_from_bytes(&packed.bytes).map_err(io::Error::other)?;
    packed.bytes = rest.to_vec();
    Ok(head)
}

/// The functions that children can run: those of all lists until now.
static LISTED: Mutex<Vec<Id>> = Mutex::new(Vec::new());

// ---------------------------------------------------------------------------------------------------------- the parent

/// Why a child gave no result.
#[derive(Debug)]
pub struct Error {
    process: String,
    cause: Cause,
}

/// See [`Error::cause`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It could not be started.
    Start(io::Error),
    /// Its function returned an error, or its output could not be written: this text.
    Failed(String),
    /// It panicked: text, file and line.
    Panicked(String),
    /// It ended before its function did: a signal, or a call of `exit`.
    Ended(ExitStatus),
    /// Its result was cut off or cannot be read.
    Result(io::Error),
}

impl Error {
    fn new(process: &str, cause: Cause) -> Self {
        Self { process: process.into(), cause }
    }

    /// The name of the process.
    #[must_use]
    pub fn process(&self) -> &str {
        &self.process
    }

    /// What happened to it.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

impl Cause {
    /// Whether it is unlikely to follow from the failure of another process.
    fn is_first(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::Panicked(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.process;
        match &self.cause {
            Cause::Start(error) => write!(f, "{name}: it cannot be started: {error}"),
            Cause::Failed(text) => write!(f, "{name}: {text}"),
            Cause::Panicked(text) => write!(f, "{name}: it panicked: {text}"),
            Cause::Ended(status) => write!(f, "{name}: it ended before its work was done: {status}"),
            Cause::Result(error) => write!(f, "{name}: its result cannot be read: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The texts above contain them, and a chain would say them twice.
        None
    }
}

/// A child process whose function returns an `R`.
///
/// Dropping it kills the process at once and reaps it.
#[derive(Debug)]
#[must_use = "a child is killed when it is dropped: join it"]
pub struct Child<R> {
    name: String,
    process: std::process::Child,
    /// Its other end is open as long as the child lives; this one tells the child that its parent lives.
    socket: UnixStream,
    result: PhantomData<fn() -> R>,
}

/// Runs `function` in a child process with this name. What the arguments own moves to the child: the end of a pipe is
/// closed here once it has been passed.
///
/// # Errors
/// The function is missing in the [`children!`](crate::children) of `main`, or the system gave no process.
pub fn spawn<A: Serialize, F: Function<A>>(
    name: impl Into<String>,
    function: F,
    arguments: A,
) -> Result<Child<F::Value>, Error> {
    // It has no state: the child takes its own.
    drop(function);
    let (name, id) = (name.into(), Id::of::<F>());
    let request = Request { name: name.clone(), function: id.name.into() };
    let packed = packed_with(&request).and_then(|mut packed| pack(&arguments, &mut packed).map(|()| packed));
    let started = packed.and_then(|packed| {
        if !LISTED.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Err(io::Error::other(format!("`children!` in the first line of `main` lacks `{}`", id.name)));
        }
        let (process, socket) = start(&name)?;
        // Held from here on, so that an error ends the process.
        let child = Child { name: name.clone(), process, socket, result: PhantomData };
        wire::send(&child.socket, &packed).map(|()| child)
    });
    started.map_err(|error| Error::new(&name, Cause::Start(error)))
}

fn start(name: &str) -> io::Result<(std::process::Child, UnixStream)> {
    // Closed on exec, as all descriptors are in std: only what is sent over the socket reaches a child.
    let (here, there) = UnixStream::pair()?;
    let inode = rustix::fs::fstat(&there)?.st_ino;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name).env(SOCKET, inode.to_string()).stdin(Stdio::from(OwnedFd::from(there)));
    let process = lanes::record::pass_on(&mut command).spawn()?;
    Ok((process, here))
}

impl<R> Child<R> {
    /// The name that it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl<R: DeserializeOwned> Child<R> {
    /// Waits until the child has ended and returns what its function returned. A child whose output nobody reads any
    /// more ends as `println!` would here: with the panic "failed printing to stdout: Broken pipe".
    ///
    /// # Errors
    /// The function returned an error or panicked, its output could not be written, or the process ended before it.
    pub fn join(mut self) -> Result<R, Error> {
        // Its result first: a child whose result is longer than the socket's buffer lasts until it is taken.
        let received = wire::receive(&self.socket);
        let status = self.process.wait();
        let result = || -> io::Result<Result<R, Cause>> {
            let status = status?;
            // A child that is killed while it sends leaves part of its result.
            let Some(mut packed) = (match received {
                Err(error) if status.success() => return Err(error),
                received => received.ok().flatten(),
            }) else {
                return Ok(Err(Cause::Ended(status)));
            };
            Ok(match head_of(&mut packed)? {
                Outcome::Value => Ok(unpack(&packed.bytes, packed.descriptors)?),
                Outcome::Failed(text) => Err(Cause::Failed(text)),
                Outcome::Panicked(text) => Err(Cause::Panicked(text)),
                Outcome::OutputClosed => panic!("failed printing to stdout: {}", io::Error::from(Errno::PIPE)),
            })
        }();
        result.unwrap_or_else(|error| Err(Cause::Result(error))).map_err(|cause| Error::new(&self.name, cause))
    }
}

impl<R> Drop for Child<R> {
    fn drop(&mut self) {
        // Both do nothing if it has been waited for. They fail only if someone else reaped it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Joins all `children` and returns their results in the order of the list. As soon as one fails the others are killed,
/// so nobody is left to wait for it.
///
/// # Errors
/// That of the first child that failed; of several at about the same time, that of one that died or panicked, since the
/// failures of the others may follow from it.
pub fn join_all<R: DeserializeOwned>(children: impl IntoIterator<Item = Child<R>>) -> Result<Vec<R>, Error> {
    let mut waiting: Vec<_> = children.into_iter().enumerate().collect();
    let mut results: Vec<Option<R>> = waiting.iter().map(|_| None).collect();
    let mut failed: Option<(Error, Instant)> = None;
    while !waiting.is_empty() {
        let limit = match &failed {
            None => None,
            Some((error, _)) if error.cause.is_first() => break,
            // The end of a process is seen at its pipes and at its socket in no certain order.
            Some((_, since)) => match AFTERMATH.checked_sub(since.elapsed()) {
                Some(left) => Some(Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() }),
                None => break,
            },
        };
        let mut sockets: Vec<_> = waiting.iter().map(|(_, child)| PollFd::new(&child.socket, PollFlags::IN)).collect();
        // It can fail only where there is nothing more to wait for; then the joins say what is wrong.
        let polled = retry_on_intr(|| poll(&mut sockets, limit.as_ref()));
        let ready: Vec<_> = sockets.iter().map(|socket| polled.is_err() || !socket.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        for (place, child) in waiting.extract_if(.., |_| ready.next() == Some(true)) {
            match child.join() {
                Ok(result) => results[place] = Some(result),
                Err(error) if failed.is_none() || error.cause.is_first() => failed = Some((error, Instant::now())),
                Err(_) => {}
            }
        }
    }
    match failed {
        Some((error, _)) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// How long [`join_all`] looks for the death from which a failure may have followed.
const AFTERMATH: Duration = Duration::from_millis(100);

// ----------------------------------------------------------------------------------------------------------- the child

/// What this process is.
enum Role {
    /// No list has been read yet.
    Unknown,
    Parent,
    /// A child whose function was in none of the lists until now.
    Child(Request, Packed),
}

static ROLE: Mutex<Role> = Mutex::new(Role::Unknown);

/// The child's end of the socket.
static TO_PARENT: OnceLock<UnixStream> = OnceLock::new();

/// What [`children!`](crate::children) does.
pub fn enter(functions: Vec<Entry>) {
    {
        let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
        for id in functions.iter().map(|entry| entry.id) {
            assert!(
                listed.iter().all(|other| other.name != id.name || *other == id),
                "`children!` has two functions named `{}`",
                id.name
            );
            listed.push(id);
        }
    }
    let mut role = ROLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Role::Unknown = *role {
        *role = read_role();
    }
    if let Role::Child(request, _) = &*role
        // Another list follows if it is not in this one, or the parent would not have found it either.
        && let Some(entry) = functions.into_iter().find(|entry| entry.id.name == request.function)
        && let Role::Child(request, arguments) = std::mem::replace(&mut *role, Role::Parent)
    {
        drop(role);
        run(entry, &request.name, arguments);
    }
}

fn read_role() -> Role {
    let Ok(inode) = std::env::var(SOCKET) else { return Role::Parent };
    let is_child = rustix::fs::fstat(rustix::stdio::stdin()).is_ok_and(|stat| stat.st_ino.to_string() == inode);
    if !is_child {
        return Role::Parent;
    }
    let read = || -> io::Result<_> {
        let socket = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let socket = TO_PARENT.get_or_init(|| socket);
        let Some(mut arguments) = wire::receive(socket)? else {
            // The parent has ended already.
            exit(1);
        };
        Ok((head_of(&mut arguments)?, arguments))
    };
    match read() {
        Ok((request, arguments)) => Role::Child(request, arguments),
        // The parent was killed while it sent that.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => exit(1),
        Err(error) => {
            // Whoever sent that is no parent that could be told.
            lesson::say_error(&format!("what this child process is to do cannot be read: {error}"));
            exit(1);
        }
    }
}

/// Runs the function of `entry` and ends the process.
fn run(entry: Entry, name: &str, arguments: Packed) -> ! {
    // A panic of any thread ends the process, as it does in the parent, and the parent says it.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("it said nothing");
        let outcome = if lesson::broken_pipe(text) {
            Outcome::OutputClosed
        } else if let Some(told) = lesson::told_by_system(text) {
            Outcome::Failed(told)
        } else {
            let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
            Outcome::Panicked(format!("{text}{}", place.unwrap_or_default()))
        };
        finish(packed_with(&outcome), 1)
    }));
    let called = begin(name).and_then(|()| {
        let _main = lanes::lane("main");
        (entry.call)(arguments)
    });
    match called {
        Ok(packed) => finish(Ok(packed), 0),
        Err(error) => finish(packed_with(&Outcome::Failed(format!("{error:#}"))), 1),
    }
}

fn begin(name: &str) -> anyhow::Result<()> {
    thread::Builder::new().name("parent watch".into()).stack_size(64 << 10).spawn(watch_parent)?;
    // For `ps`. A name with a zero byte never got here: it cannot be an argument of a program either.
    if let Ok(name) = CString::new(name) {
        rustix::thread::set_name(&name)?;
    }
    lanes::record::join(name)?;
    Ok(())
}

/// Ends this process as soon as the parent has ended.
///
/// The system could send a signal instead (`PR_SET_PDEATHSIG`), but does so when the *thread* that spawned the child ends.
fn watch_parent() {
    let Some(socket) = TO_PARENT.get() else { return };
    // The parent sends no more, so whatever ends the wait is its end.
    while let Err(Errno::INTR) = rustix::net::recv(socket, &mut [0u8; 1], rustix::net::RecvFlags::empty()) {}
    // Killed, since an orderly exit could wait for the other threads.
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Hands the outcome to the parent and ends the process. The first thread that comes here does it.
fn finish(outcome: io::Result<Packed>, mut status: i32) -> ! {
    static FIRST: Mutex<()> = Mutex::new(());
    // Never released: the process ends here.
    let _first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    // Not left to the exit, which would say nothing about output that cannot be written.
    let outcome = match io::stdout().flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => packed_with(&Outcome::OutputClosed),
        Err(error) if status == 0 => {
            status = 1;
            packed_with(&Outcome::Failed(format!("stdout: {error}")))
        }
        _ => outcome.or_else(|error| packed_with(&Outcome::Failed(format!("its result cannot be sent: {error}")))),
    };
    if let (Ok(packed), Some(socket)) = (outcome, TO_PARENT.get()) {
        // A parent that does not listen any more has ended, and this process with it.
        let _ = wire::send(socket, &packed);
    }
    exit(status)
}

//! Functions of this program in child processes.
//!
//! [`spawn`] runs the program again and tells the new process which function to call, with which arguments. So that it
//! can, the first line of `main` is [`children!`](crate::children) with the functions that may be asked for: in a child
//! it calls the right one and never returns.
//!
//! - **A child never outlives its parent,** however the parent ends. In Python that holds for daemon processes only, and
//!   not if their parent is killed.
//! - **A daemon is killed when its [`Child`] is dropped,** any other child is waited for. Those of [`spawn`] are daemons;
//!   [`Process`] makes both. A parent that ends by `exit`, by a panic or by a signal waits for nobody.
//! - **An error or a panic in a child is an error in the parent,** with its text: see [`Child::join`].
//! - A child has the parent's stdout and stderr, and no stdin. It knows its own [`name`].
//!
//! Unlike Python's `multiprocessing` there is no forking without `exec`: a fork copies locks that other threads hold,
//! and never releases them in the copy.

mod child;
mod error;
mod function;
mod message;
mod parent;

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use course::{lanes, lesson};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::machinery::descriptors::{Packed, pack, unpack};
use crate::machinery::presence::{Presence, presence};
use crate::machinery::wire;
use child::LISTED;
pub use child::enter;
pub use error::{Cause, Error};
pub(crate) use function::Id;
pub use function::{Entry, Function};
pub(crate) use message::Mode;
use message::{Outcome, Request, head_of, packed_with};

/// The environment variable that makes a process a child: the inode of the socket that is its stdin. A program that a
/// child runs inherits the variable but not the socket, so it is no child.
const SOCKET: &str = "PROCESS_SOCKET";

/// What a child process is to be, before it is started.
///
/// ```no_run
/// # use ch3_processes::{Process, children};
/// # fn work() -> anyhow::Result<()> { Ok(()) }
/// # fn main() -> anyhow::Result<()> {
/// # children![work];
/// let mut child = Process::new().name("worker").daemon(true).spawn(work, ())?;
/// child.terminate()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it starts with `spawn`"]
pub struct Process {
    name: Option<String>,
    daemon: bool,
}

impl Process {
    /// A process with the name `Process-N`, the Nth without a name of its own. It is no daemon.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it a name: `ps` shows its first 15 bytes as the command, and all of it as the program's first argument.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether dropping its [`Child`] kills it. Otherwise that waits for it.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = daemon;
        self
    }

    /// Runs `function` in it. What the arguments own moves to the child: the end of a pipe is closed here once it has
    /// been passed.
    ///
    /// # Errors
    /// The function is missing in the [`children!`](crate::children) of `main`, or the system gave no process.
    pub fn spawn<A: Serialize, F: Function<A>>(self, function: F, arguments: A) -> Result<Child<F::Value>, Error> {
        // It has no state: the child takes its own.
        drop(function);
        self.spawn_as(Id::of::<F>(), Mode::Once, &arguments)
    }

    pub(crate) fn spawn_as<R>(self, function: Id, mode: Mode, arguments: &impl Serialize) -> Result<Child<R>, Error> {
        static UNNAMED: AtomicU32 = AtomicU32::new(1);
        let name = self.name.unwrap_or_else(|| format!("Process-{}", UNNAMED.fetch_add(1, Relaxed)));
        let started = (|| {
            let mut packed = packed_with(&Request { name: name.clone(), function: function.name().into(), mode })?;
            pack(arguments, &mut packed)?;
            let (life, watch) = presence()?;
            packed.descriptors.push(watch.into_descriptor());
            if !LISTED.lock().unwrap_or_else(PoisonError::into_inner).contains(&function) {
                let lacks = format!("`children!` in the first line of `main` lacks `{}`", function.name());
                return Err(io::Error::other(lacks));
            }
            let (process, socket) = start(&name)?;
            // Held from here on, so that an error ends the process.
            let mut child = Child {
                name: name.clone(),
                daemon: true,
                process,
                socket,
                _life: life,
                received: None,
                result: PhantomData,
            };
            match wire::send(&child.socket, &packed) {
                // It ended before it read that; how says more than this error.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Ok(Err(Cause::Ended(child.process.wait()?)));
                }
                sent => sent?,
            }
            child.daemon = self.daemon;
            Ok(Ok(child))
        })();
        started.unwrap_or_else(|error| Err(Cause::Start(error))).map_err(|cause| Error::new(&name, cause))
    }
}

/// The name of this process: in a child the one that it was given, else that of the program.
#[must_use]
pub fn name() -> String {
    child::NAME.get().cloned().unwrap_or_else(lesson::program_name)
}

/// Runs `function` in a daemon process with this name: `Process::new().name(name).daemon(true).spawn(..)`.
///
/// # Errors
/// The function is missing in the [`children!`](crate::children) of `main`, or the system gave no process.
pub fn spawn<A: Serialize, F: Function<A>>(
    name: impl Into<String>,
    function: F,
    arguments: A,
) -> Result<Child<F::Value>, Error> {
    Process::new().name(name).daemon(true).spawn(function, arguments)
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

/// A child process whose function returns an `R`.
///
/// When it is dropped, a daemon is killed at once; any other child is waited for and what it returned is lost, unless a
/// panic is the reason.
#[derive(Debug)]
#[must_use = "what a child returns, its errors too, is lost unless it is joined"]
pub struct Child<R> {
    name: String,
    daemon: bool,
    process: std::process::Child,
    /// Its other end is open as long as the child lives.
    socket: UnixStream,
    /// Tells the child that its parent lives.
    _life: Presence,
    /// What came of its result, once that is known.
    received: Option<io::Result<Option<Packed>>>,
    result: PhantomData<fn() -> R>,
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

    /// Whether it has not ended yet. A child whose result is large lives until somebody takes it.
    #[must_use]
    pub fn is_alive(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended, if it has. Python's `exitcode` is minus the number of the signal, which here is
    /// [`signal()`](std::os::unix::process::ExitStatusExt::signal).
    #[must_use]
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        // It fails only if somebody else has reaped the process; then nobody knows how it ended.
        self.process.try_wait().unwrap_or_default()
    }

    /// Asks it to end: SIGTERM, which ends a process that does not catch it. Whether it has ended shows after a
    /// [`wait`](Self::wait) only. Does nothing to a child that has.
    ///
    /// # Errors
    /// The system refused.
    pub fn terminate(&mut self) -> io::Result<()> {
        if self.process.try_wait()?.is_some() {
            return Ok(());
        }
        // Nobody has waited for it, so the id is still its own.
        Ok(kill_process(Pid::from_child(&self.process), Signal::TERM)?)
    }

    /// Ends it: SIGKILL, which no process can catch. Does nothing to a child that has ended.
    ///
    /// # Errors
    /// The system refused.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    /// Waits until it has ended, in whatever way, and says how. Its result can still be joined.
    ///
    /// # Errors
    /// Somebody else has reaped the process.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        // Its result first: a child whose result is longer than the socket's buffer lasts until it is taken.
        self.received.get_or_insert_with(|| wire::receive(&self.socket));
        self.process.wait()
    }

    /// Waits so long at most; `None` if it lives on. The time it needs to send a result that it has begun to send is
    /// not counted.
    ///
    /// # Errors
    /// Somebody else has reaped the process, or the system cannot wait.
    pub fn wait_timeout(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let left = || limit.saturating_sub(start.elapsed());
        if let Some(status) = self.process.try_wait()? {
            return Ok(Some(status));
        }
        if self.received.is_none() {
            if !readable(&self.socket, left())? {
                return Ok(None);
            }
            self.received = Some(wire::receive(&self.socket));
        }
        // Not reaped yet, so the id is still its own.
        let process = pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty())?;
        if readable(&process, left())? { self.process.wait().map(Some) } else { Ok(None) }
    }
}

/// Waits until something can be read, or the other side has closed; `false` if neither happened in this time.
fn readable(what: impl AsFd, limit: Duration) -> io::Result<bool> {
    let start = Instant::now();
    loop {
        // A limit that the system has no number for is none.
        let left = Timespec::try_from(limit.saturating_sub(start.elapsed())).ok();
        match poll(&mut [PollFd::new(&what, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            polled => return Ok(polled? > 0),
        }
    }
}

impl<R: DeserializeOwned> Child<R> {
    /// Waits until the child has ended and returns what its function returned. If nobody
    /// reads the output of the child any more, this process ends too, quietly, as when it prints itself.
    ///
    /// # Errors
    /// The function returned an error or panicked, its output could not be written, or the process ended before it.
    pub fn join(mut self) -> Result<R, Error> {
        let status = self.wait();
        let received = self.received.take().unwrap_or(Ok(None));
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
                Outcome::OutputClosed => lesson::end_without_reader(),
            })
        }();
        result.unwrap_or_else(|error| Err(Cause::Result(error))).map_err(|cause| Error::new(&self.name, cause))
    }

    /// Joins it if it ends within this time, and gives it back if not.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), inside.
    pub fn join_timeout(mut self, limit: Duration) -> Result<Result<R, Error>, Self> {
        // An error of the wait is one of the join too.
        match self.wait_timeout(limit) {
            Ok(None) => Err(self),
            _ => Ok(self.join()),
        }
    }
}

impl<R> Drop for Child<R> {
    fn drop(&mut self) {
        // All do nothing if it has been waited for. They fail only if someone else reaped it.
        if self.daemon || thread::panicking() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        } else {
            let _ = self.wait();
        }
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
            Some((error, _)) if error.cause().is_first() => break,
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
                Err(error) if failed.is_none() || error.cause().is_first() => failed = Some((error, Instant::now())),
                Err(_) => {}
            }
        }
    }
    for (_, child) in &mut waiting {
        child.daemon = true;
    }
    match failed {
        Some((error, _)) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// How long [`join_all`] looks for the death from which a failure may have followed.
const AFTERMATH: Duration = Duration::from_millis(100);

//! Functions of this program in child processes.
//!
//! [`spawn`] runs the program again and tells the new process which function to call, with which arguments. For this the first
//! line of `main` is [`children!`](crate::children) with a list of the functions: in a child it calls the right function and
//! never returns.
//!
//! - **A child never outlives its parent,** however the parent ends. In Python that holds for daemon processes only, and not
//!   if their parent is killed.
//! - **A daemon is killed when its [`Child`] is dropped.** Dropping any other child waits for its end. The children of [`spawn`]
//!   are daemons; [`Process`] makes both kinds. A parent that ends by `exit`, by a panic or by a signal waits for no child.
//! - **An error or a panic in a child is an error in the parent,** with its text: see [`Child::join`].
//! - A child has the parent's stdout and stderr, and no stdin. It knows its own [`name`].
//! - A child accepts SIGTERM, even if its parent ignores or blocks the signal. So [`Child::terminate`] ends it.
//!
//! In contrast to Python's `multiprocessing` a child is never a fork without `exec`: a fork copies locks that other threads
//! hold, and no thread of the copy ever releases them.

mod end_with_parent;
mod error;
mod function;
mod handle;
mod inside;
mod join_all;
mod message;
mod reply;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use course::{lanes, lesson};
use serde::Serialize;

use crate::machinery::descriptors::pack;
use crate::machinery::presence::presence;
use crate::machinery::signals;
pub use error::{Cause, Error};
pub(crate) use function::check_listed;
pub use function::{Entry, Function};
pub use handle::Child;
pub use inside::enter;
pub use join_all::join_all;
use message::{Request, SOCKET, packed_with};

/// A child process before it is started.
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
    /// A process with the name `Process-N`, if it is the Nth process without a given name. It is not a daemon.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it a name: `ps` shows its first 15 bytes as the command, and all of it as the program's first argument.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether dropping its [`Child`] kills it. If not, dropping waits for it.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = daemon;
        self
    }

    /// Starts the process, which calls `function`. What the arguments own moves to the child: the end of a pipe is closed here
    /// once it has been passed.
    ///
    /// # Errors
    /// The function is missing in the [`children!`](crate::children) of `main`, or the system gave no process.
    pub fn spawn<A: Serialize, F: Function<A>>(self, function: F, arguments: A) -> Result<Child<F::Value>, Error> {
        static UNNAMED: AtomicU32 = AtomicU32::new(1);
        let name = self.name.unwrap_or_else(|| format!("Process-{}", UNNAMED.fetch_add(1, Relaxed)));
        let daemon = self.daemon;
        start(&name, function, arguments).map_err(|cause| Error::new(&name, cause)).map(|mut child| {
            child.daemon = daemon;
            child
        })
    }
}

/// The name of this process: in a child the name that it was given, else that of the program.
#[must_use]
pub fn name() -> String {
    inside::name().map_or_else(lesson::program_name, String::from)
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

fn start<A: Serialize, F: Function<A>>(name: &str, function: F, arguments: A) -> Result<Child<F::Value>, Cause> {
    // A listed function has no state: the child takes its own.
    drop(function);
    let prepare = || -> io::Result<_> {
        let function = std::any::type_name::<F>().into();
        let mut request = packed_with(&Request { name: name.into(), function })?;
        pack(&arguments, &mut request)?;
        let (life, watch) = presence()?;
        request.descriptors.push(watch.into_descriptor());
        check_listed::<F>()?;
        let (process, socket) = start_program(name)?;
        Ok((request, Child::new(name.into(), process, socket, life)))
    };
    // An error from here on drops the child, and so ends the process.
    let (request, mut child) = prepare().map_err(Cause::Start)?;
    child.request(&request)?;
    Ok(child)
}

/// Runs this program again, as a child with this name. Returns the process and the parent's end of the socket.
fn start_program(name: &str) -> io::Result<(std::process::Child, UnixStream)> {
    // Closed on exec, as all descriptors are in std: only what is sent over the socket reaches a child.
    let (here, there) = UnixStream::pair()?;
    let inode = rustix::fs::fstat(&there)?.st_ino;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name).env(SOCKET, inode.to_string()).stdin(Stdio::from(OwnedFd::from(there)));
    let command = lanes::record::pass_on(&mut command);
    let _blocked = signals::block_all()?;
    Ok((command.spawn()?, here))
}

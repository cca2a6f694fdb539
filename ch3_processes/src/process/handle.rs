//! The parent's side of a child: looks whether it lives, ends it, waits for it and takes its result.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use course::{lanes, lesson};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde::de::DeserializeOwned;

use super::error::{Cause, Error};
use super::message::{Outcome, head_of};
use super::reply::Reply;
use crate::machinery::bell::LOOK_AROUND;
use crate::machinery::descriptors::{Packed, unpack};
use crate::machinery::presence::Presence;
use crate::machinery::wire;

/// A child process whose function returns an `R`.
///
/// Dropping the `Child` of a daemon kills the daemon at once. Dropping any other `Child` waits for the end of the
/// process, whose result is lost. If a panic drops a `Child`, the process is killed in any case.
#[derive(Debug)]
#[must_use = "the result of a child, also an error, is lost unless it is joined"]
pub struct Child<R> {
    name: String,
    pub(super) daemon: bool,
    process: std::process::Child,
    /// Whether the process has ended and its id may be that of another process.
    ended: bool,
    /// Becomes readable when the process ends. `None` until a thread waits for the child, and if the system has no
    /// descriptor left.
    end: Option<OwnedFd>,
    reply: Reply,
    /// Shows the child that its parent lives.
    _life: Presence,
    result: PhantomData<fn() -> R>,
}

impl<R> Child<R> {
    /// A process that has been started and waits for its request. It is a daemon.
    pub(super) fn new(name: String, process: std::process::Child, socket: UnixStream, life: Presence) -> Self {
        let (ended, end, reply, result) = (false, None, Reply::new(socket), PhantomData);
        Self { name, daemon: true, process, ended, end, reply, _life: life, result }
    }

    /// Sends the process what it is to do.
    pub(super) fn request(&mut self, request: &Packed) -> Result<(), Cause> {
        match wire::send(self.reply.socket(), request) {
            // It ended before it read the request. Its exit status says more than this error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(self.process.wait().map_or_else(Cause::Wait, Cause::Ended))
            }
            sent => sent.map_err(Cause::Start),
        }
    }

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

    /// Whether it has not ended yet. A child with a long result stays alive until the parent waits
    /// for it.
    #[must_use]
    pub fn is_alive(&mut self) -> bool {
        // An error says that the process has ended, and that its exit status is lost: another part of
        // this program has waited for the process, or the system has dropped the status.
        !self.ended && matches!(self.try_wait(), Ok(None))
    }

    /// How the process ended, if it has ended. Python's `exitcode` is minus the number of the signal, which here is
    /// [`signal()`](std::os::unix::process::ExitStatusExt::signal).
    #[must_use]
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.try_wait().unwrap_or_default()
    }

    /// Asks the process to end by SIGTERM, which ends a process that does not catch it. Only after a [`wait`](Self::wait) is it certain
    /// that the child has ended. Does nothing to a child that has ended.
    ///
    /// # Errors
    /// The system refused.
    pub fn terminate(&mut self) -> io::Result<()> {
        if self.is_alive() {
            // It has not been waited for, so the id is still its own.
            kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        }
        Ok(())
    }

    /// Ends the process by SIGKILL, which no process can catch. Does nothing to a child that has ended.
    ///
    /// # Errors
    /// The system refused.
    pub fn kill(&mut self) -> io::Result<()> {
        if self.is_alive() { self.process.kill() } else { Ok(()) }
    }

    /// Waits until the process has ended, and returns how it ended. Its result can still be joined.
    ///
    /// # Errors
    /// The system does not know any more how it ended: another part of this program has waited for it, or the program ignores
    /// SIGCHLD.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            // Without a deadline the wait ends with a status or an error.
            if let Some(status) = self.wait_until(None).map_err(|error| self.told(&error))? {
                return Ok(status);
            }
        }
    }

    /// Waits for a limited time; `None` if the child has not ended by then.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait), or the system cannot wait.
    pub fn wait_timeout(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        // A time that the clock has no number for is no limit.
        self.wait_until(Instant::now().checked_add(limit)).map_err(|error| self.told(&error))
    }

    fn told(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("waiting for child {}: {error}", self.name))
    }

    /// Waits for the end of the process itself, not for the end of its socket: a process that the child has forked may
    /// hold the socket open. Meanwhile it reads the socket: a child whose result is longer than the socket's buffer
    /// ends only when all of the result has been read.
    fn wait_until(&mut self, deadline: Option<Instant>) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.look()? {
                return Ok(Some(status));
            }
            if !poll_all([&*self], deadline)?.contains(&true) {
                return Ok(None);
            }
        }
    }

    /// Reads what has arrived from the child, and returns how it ended, if it has ended.
    pub(super) fn look(&mut self) -> io::Result<Option<ExitStatus>> {
        self.reply.take_in();
        let status = self.try_wait();
        match status {
            Ok(None) if self.end.is_none() => {
                self.end = pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty()).ok();
            }
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => self.reply.finish(),
        }
        status
    }

    /// How it ended, if it has ended. From then on the record of the lanes has its end.
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.process.try_wait();
        if !matches!(status, Ok(None)) && !self.ended {
            self.ended = true;
            let killed = !matches!(status, Ok(Some(status)) if status.code().is_some());
            lanes::record::note_end_of(self.process.id(), killed);
        }
        status
    }
}

/// Waits until something has happened to one of these children, or until the deadline. Returns for each of them whether to
/// [look](Child::look) at it; for none after the deadline.
pub(super) fn poll_all<'a, R: 'a>(
    children: impl IntoIterator<Item = &'a Child<R>>,
    deadline: Option<Instant>,
) -> io::Result<Vec<bool>> {
    let children: Vec<_> = children.into_iter().collect();
    let mut events = Vec::with_capacity(2 * children.len());
    let mut places = Vec::with_capacity(2 * children.len());
    for (place, child) in children.iter().enumerate() {
        let socket = child.reply.is_open().then(|| child.reply.socket().as_fd());
        for descriptor in [child.end.as_ref().map(AsFd::as_fd), socket].into_iter().flatten() {
            events.push(PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
            places.push(place);
        }
    }
    // Nothing tells the end of a child for which the system had no descriptor.
    let mut ready: Vec<_> = children.iter().map(|child| child.end.is_none()).collect();
    let look_around = ready.contains(&true).then_some(LOOK_AROUND);
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let limit = left.into_iter().chain(look_around).min();
        // A time that the system has no number for is no limit.
        match poll(&mut events, limit.and_then(|limit| Timespec::try_from(limit).ok()).as_ref()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) if left == Some(Duration::ZERO) => return Ok(vec![false; children.len()]),
            Ok(0) if look_around.is_none() => {}
            Ok(_) => break,
        }
    }
    for (event, place) in events.iter().zip(places) {
        ready[place] |= !event.revents().is_empty();
    }
    Ok(ready)
}

impl<R: DeserializeOwned> Child<R> {
    /// Waits until the child has ended and returns the value of its function. The current lane waits for it by its name. If no process
    /// reads the output of the child any more, this process ends quietly, as when it prints itself.
    ///
    /// # Errors
    /// The function returned an error or panicked, its output could not be written, or the process ended before the function.
    #[track_caller]
    pub fn join(mut self) -> Result<R, Error> {
        let name = std::mem::take(&mut self.name);
        let id = self.id();
        let status = lanes::end_of(&name, id, || self.wait_until(None));
        self.name = name;
        self.result_after(status)
    }

    /// The result of a child that has ended.
    pub(crate) fn result(mut self) -> Result<R, Error> {
        let status = self.look();
        self.result_after(status)
    }

    fn result_after(mut self, status: io::Result<Option<ExitStatus>>) -> Result<R, Error> {
        let value = match (self.reply.take(), status) {
            (Ok(Some(packed)), _) => value_of(packed),
            (_, Err(error)) => Err(Cause::Wait(error)),
            (Err(error), Ok(Some(status))) if status.success() => Err(Cause::Result(error)),
            // A child that is killed while it sends leaves a part of its result.
            (_, Ok(Some(status))) => Err(Cause::Ended(status)),
            (_, Ok(None)) => Err(Cause::Wait(io::ErrorKind::TimedOut.into())),
        };
        value.map_err(|cause| Error::new(&self.name, cause))
    }

    /// Joins the child if it ends within this time. Otherwise it returns the `Child`.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), inside.
    pub fn join_timeout(mut self, limit: Duration) -> Result<Result<R, Error>, Self> {
        // An error of the wait is an error of the join too.
        match self.wait_timeout(limit) {
            Ok(None) => Err(self),
            _ => Ok(self.result()),
        }
    }
}

fn value_of<R: DeserializeOwned>(mut packed: Packed) -> Result<R, Cause> {
    match head_of(&mut packed).map_err(Cause::Result)? {
        Outcome::Value => unpack(&packed.bytes, packed.descriptors).map_err(Cause::Result),
        Outcome::Failed(text) => Err(Cause::Failed(text)),
        Outcome::Panicked(text) => Err(Cause::Panicked(text)),
        Outcome::OutputClosed => lesson::end_without_reader(),
    }
}

impl<R> Drop for Child<R> {
    fn drop(&mut self) {
        // After Ctrl-C nothing is killed: each child says what it is doing, and ends with this process.
        lesson::hold();
        // These calls do nothing if the child has been waited for. They fail only if the system does not know the child
        // any more.
        if self.daemon || thread::panicking() {
            let _ = self.kill();
            let _ = self.process.wait();
            let _ = self.try_wait();
        } else if !self.ended {
            let name = format!("the end of {}", self.name);
            let _ = lanes::wait(&name, || self.wait());
        }
    }
}

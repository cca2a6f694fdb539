//! Ending with the parent.
//!
//! The system can send a signal when a parent ends (`PR_SET_PDEATHSIG`), but does so when the *thread* ends that spawned the
//! child. Here it sends one when the other end of the child's socket is closed, which the whole parent holds. A thread that
//! waits for the same would add a twentieth to the time that a child takes to start and end.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Signal, getpid, kill_process};

/// Of fcntl(2) and of open(2) on Linux; neither rustix nor libc has the first for all machines.
const F_SETSIG: i32 = 10;
const ASYNC: OFlags = OFlags::from_bits_retain(libc::O_ASYNC as u32);

/// Has the system kill this process when the other end of `socket` is closed, or when something comes from there, which a
/// parent that has sent its request does not do. Nothing may be sent before [`outlive`].
pub fn end_with(socket: &UnixStream) -> io::Result<()> {
    for (command, argument) in [(libc::F_SETOWN, getpid().as_raw_pid()), (F_SETSIG, Signal::KILL.as_raw())] {
        // SAFETY: both commands take a number, and change nothing but what this descriptor does.
        if unsafe { libc::fcntl(socket.as_raw_fd(), command, argument) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    fcntl_setfl(socket, fcntl_getfl(socket)? | ASYNC)?;
    // It may have been closed before.
    let mut closed = [PollFd::new(socket, PollFlags::IN)];
    if poll(&mut closed, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0 {
        kill_process(getpid(), Signal::KILL)?;
    }
    Ok(())
}

/// Has it do so no more.
pub fn outlive(socket: &UnixStream) -> io::Result<()> {
    Ok(fcntl_setfl(socket, fcntl_getfl(socket)? - ASYNC)?)
}

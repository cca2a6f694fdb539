//! A child ends when its parent does.
//!
//! The system can send a signal when a parent ends (`PR_SET_PDEATHSIG`), but it does so when the *thread* ends that
//! started the child. Here it sends the signal when the last writing end of a pipe is closed. The parent holds that end
//! until it ends, and writes nothing to it. A thread in the child that waits for the end of the pipe would do the same,
//! but it would add a twentieth to the time that a child takes to start and end.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Signal, getpid, kill_process};

use crate::machinery::presence::Watch;

/// Of fcntl(2) and of open(2) on Linux; neither rustix nor libc has the first for all machines.
const F_SETSIG: i32 = 10;
const ASYNC: OFlags = OFlags::from_bits_retain(libc::O_ASYNC as u32);

/// Has the system kill this process when no process holds the presence that `parent` watches.
pub fn end_with(parent: Watch) -> io::Result<()> {
    // Open until this process ends.
    static PARENT: OnceLock<Watch> = OnceLock::new();
    let parent = PARENT.get_or_init(|| parent);
    let pipe = parent.as_fd();
    for (command, argument) in [(libc::F_SETOWN, getpid().as_raw_pid()), (F_SETSIG, Signal::KILL.as_raw())] {
        // SAFETY: both commands take a number, and change nothing but what this descriptor does.
        if unsafe { libc::fcntl(pipe.as_raw_fd(), command, argument) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    fcntl_setfl(pipe, fcntl_getfl(pipe)? | ASYNC)?;
    // The parent may have ended before.
    if parent.alone() {
        kill_process(getpid(), Signal::KILL)?;
    }
    Ok(())
}

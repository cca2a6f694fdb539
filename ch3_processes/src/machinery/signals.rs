//! The signals of a child process.
//!
//! A program inherits which signals its parent ignores and which signals its parent's thread blocks. A child of this chapter
//! must be able to rely on two signals: SIGTERM asks it to end, and SIGCHLD must not be ignored, or the system forgets how the
//! child's own children ended. It keeps the others as they are, except for SIGINT, which course's lesson handles.
//!
//! A signal that is sent before the child has taken it back would be lost. So the parent [blocks](block_all) all signals
//! while it starts a child. The child inherits that, and the system keeps what is sent until the child [accepts](accept)
//! signals again.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::{io, ptr};

/// The current thread blocks all signals until this is dropped.
#[derive(Debug)]
#[must_use = "signals are blocked until it is dropped"]
pub struct Blocked {
    before: libc::sigset_t,
    not_send: PhantomData<*const ()>,
}

/// Blocks all signals that can be blocked.
pub fn block_all() -> io::Result<Blocked> {
    let mut all = MaybeUninit::uninit();
    // SAFETY: a place for a set.
    check(unsafe { libc::sigfillset(all.as_mut_ptr()) })?;
    // SAFETY: initialized by the call above.
    let before = set_mask(&unsafe { all.assume_init() })?;
    Ok(Blocked { before, not_send: PhantomData })
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // It was the mask before, so the system takes it.
        let _ = set_mask(&self.before);
    }
}

/// In a child: no longer ignores the signals that the chapter relies on, and accepts all signals, also those that were sent
/// before.
pub fn accept() -> io::Result<()> {
    for signal in [libc::SIGTERM, libc::SIGCHLD] {
        // SAFETY: the default action calls no function of this program.
        if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    let mut none = MaybeUninit::uninit();
    // SAFETY: a place for a set.
    check(unsafe { libc::sigemptyset(none.as_mut_ptr()) })?;
    // SAFETY: initialized by the call above.
    set_mask(&unsafe { none.assume_init() })?;
    Ok(())
}

/// Has the current thread block these signals and no others. Returns the signals that it blocked before.
fn set_mask(mask: &libc::sigset_t) -> io::Result<libc::sigset_t> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: an initialized set, and a place for another.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, ptr::from_ref(mask), before.as_mut_ptr()) } {
        // SAFETY: initialized by the call, which succeeded.
        0 => Ok(unsafe { before.assume_init() }),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

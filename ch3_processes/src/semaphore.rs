//! A counting semaphore between processes.
//!
//! A thread acquires one of a number of permits, and blocks while there is none. In contrast to a [lock](crate::Lock),
//! a semaphore lets several threads continue at once, and does not know which thread has a permit. Any thread may
//! release a permit.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use serde::{Deserialize, Serialize};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::memory::Atomic;
use crate::machinery::primitive::{AtomicU32, SharedAtomics};

/// A number of permits (Dijkstra, 1965). A clone is the same semaphore.
///
/// If a process is killed, its permits are lost, as in Python, since a semaphore does not know which process has its permits. Use a
/// [`Lock`](crate::Lock) where that must not happen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Semaphore(SharedAtomics<State>);

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct State {
    permits: AtomicU32,
    bell: Bell,
}

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for State {}

/// A permit, which is released when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is not kept is released at once"]
pub struct Permit<'semaphore>(&'semaphore Semaphore);

impl Semaphore {
    /// A semaphore with this number of permits.
    ///
    /// # Errors
    /// The system gave no memory.
    pub fn new(permits: u32) -> io::Result<Self> {
        let state = SharedAtomics::<State>::new(1)?;
        state[0].permits.store(permits, Relaxed);
        Ok(Self(state))
    }

    /// Acquires a permit; blocks while there is none.
    pub fn acquire(&self) -> Permit<'_> {
        let permit = self.0[0].bell.wait(spins(2), None, || self.try_acquire(), || false);
        permit.expect("the wait ends only with a permit")
    }

    /// Acquires a permit if there is one. Never blocks.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        let taken = self.0[0].permits.fetch_update(Acquire, Relaxed, |permits| permits.checked_sub(1));
        taken.is_ok().then(|| Permit(self))
    }

    /// Adds a permit, and wakes a thread that waits for one.
    ///
    /// # Panics
    /// There are 2^32 - 1 permits already.
    pub fn release(&self) {
        let added = self.0[0].permits.fetch_update(Release, Relaxed, |permits| permits.checked_add(1));
        added.expect("a semaphore has at most 2^32 - 1 permits");
        self.0[0].bell.ring();
    }
}

/// For telling by the memory in which it lies which semaphore it is.
impl AsFd for Semaphore {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Permit<'_> {
    /// Keeps the permit for ever: it is not released.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

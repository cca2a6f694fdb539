//! A counting semaphore between processes.

use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use serde::{Deserialize, Serialize};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::memory::Atomic;
use crate::machinery::primitive::{AtomicU32, SharedAtomics};

/// A number of permits; whoever has one may go on (Dijkstra, 1965). A clone is the same semaphore.
///
/// A permit of a process that is killed is lost, as in Python: a semaphore does not know who has its permits. Where that
/// must not be, a [`Lock`](crate::Lock) does.
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

/// A permit, given back when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is not kept is given back at once"]
pub struct Permit<'semaphore>(&'semaphore Semaphore);

impl Semaphore {
    /// A semaphore with so many permits.
    ///
    /// # Errors
    /// The system gave no memory.
    pub fn new(permits: u32) -> io::Result<Self> {
        let state = SharedAtomics::<State>::new(1)?;
        state[0].permits.store(permits, Relaxed);
        Ok(Self(state))
    }

    /// Waits for a permit.
    pub fn acquire(&self) -> Permit<'_> {
        let permit = self.0[0].bell.wait(spins(2), None, || self.try_acquire(), || false);
        permit.expect("it is never over")
    }

    /// A permit, if there is one now.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        let taken = self.0[0].permits.fetch_update(Acquire, Relaxed, |permits| permits.checked_sub(1));
        taken.is_ok().then(|| Permit(self))
    }

    /// Adds a permit: a signal to whoever waits for one.
    ///
    /// # Panics
    /// There are 2^32 - 1 already.
    pub fn release(&self) {
        let added = self.0[0].permits.fetch_update(Release, Relaxed, |permits| permits.checked_add(1));
        added.expect("a semaphore has at most 2^32 - 1 permits");
        self.0[0].bell.ring();
    }
}

impl Permit<'_> {
    /// Keeps the permit from coming back.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

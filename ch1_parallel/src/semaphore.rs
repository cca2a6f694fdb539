//! A counting semaphore: std has none.
//!
//! A lock belongs to the thread that took it, and that thread gives it back. A semaphore is a number of permits that belong
//! to nobody: any thread may take one and any thread may add one. So it does two things that a lock does not: it lets a
//! fixed number of threads in at a time, and it counts events for those who wait for them (Dijkstra, "Cooperating
//! sequential processes", 1965, where the operations are P and V).
//!
//! This one keeps no order among those who wait, like the lock and the condition variable of which it is made. For
//! asynchronous code take `tokio::sync::Semaphore`, which suspends a task instead of its thread and serves in order.

use crate::primitive::{Condvar, Mutex};

/// A number of permits.
///
/// ```
/// use ch1_parallel::Semaphore;
///
/// let seats = Semaphore::new(2);
/// let (one, two) = (seats.acquire(), seats.acquire());
/// assert!(seats.try_acquire().is_none());
/// drop(one);
/// assert!(seats.try_acquire().is_some());
/// # drop(two);
/// ```
#[derive(Debug)]
pub struct Semaphore {
    permits: Mutex<usize>,
    one_more: Condvar,
}

/// A permit that has been taken. It goes back when this is dropped.
#[must_use = "a permit goes back at once if it is not bound to a name"]
#[derive(Debug)]
pub struct Permit<'semaphore>(&'semaphore Semaphore);

impl Semaphore {
    /// A semaphore with so many permits; with 0, the first who takes one waits for a [`release`](Self::release).
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self { permits: Mutex::new(permits), one_more: Condvar::new() }
    }

    /// Takes a permit; waits until there is one.
    pub fn acquire(&self) -> Permit<'_> {
        let mut permits = self.permits.lock();
        // Again and again: another thread may come in between and take the permit that ended the wait.
        while *permits == 0 {
            self.one_more.wait(&mut permits);
        }
        *permits -= 1;
        Permit(self)
    }

    /// Takes a permit if there is one now.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        let mut permits = self.permits.lock();
        *permits = permits.checked_sub(1)?;
        Some(Permit(self))
    }

    /// Adds a permit, whoever took it or even if nobody did.
    pub fn release(&self) {
        *self.permits.lock() += 1;
        // After the lock is free again, or the one who wakes would have to wait for it.
        self.one_more.notify_one();
    }
}

impl Permit<'_> {
    /// Uses the permit up: it does not go back.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

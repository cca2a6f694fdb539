//! A counting semaphore. The standard library has none.
//!
//! A lock is held by the thread that acquired it, and that thread releases it. A semaphore is a number of permits that no
//! thread owns: any thread may acquire a permit, and any thread may release one. So a semaphore can do two things that a lock
//! cannot. It lets a fixed number of threads continue at a time, and it counts events for threads that wait for them
//! (Dijkstra, "Cooperating sequential processes", 1965, where the operations are called P and V).
//!
//! This semaphore is made of a lock and a condition variable. Like them it does not serve waiting threads in the order in
//! which they came. For asynchronous code use `tokio::sync::Semaphore`: it suspends a task instead of blocking its thread, and
//! it serves tasks in order.

use crate::primitive::{Condvar, Mutex};

/// A number of permits.
///
/// ```
/// use ch1_parallel::Semaphore;
///
/// let seats = Semaphore::new(2);
/// let (first, second) = (seats.acquire(), seats.acquire());
/// assert!(seats.try_acquire().is_none());
/// drop(first);
/// assert!(seats.try_acquire().is_some());
/// # drop(second);
/// ```
#[derive(Debug)]
pub struct Semaphore {
    /// How many permits are free. The lock is held only to count, never while a thread has a permit.
    permits: Mutex<usize>,
    /// Notified after a permit has been released.
    released: Condvar,
}

/// A permit that a thread has acquired. It is released when this value is dropped.
#[must_use = "a permit is released at once if it is not bound to a name"]
#[derive(Debug)]
pub struct Permit<'semaphore>(&'semaphore Semaphore);

impl Semaphore {
    /// A semaphore with `permits` permits. With 0, the first thread that acquires blocks until a [`release`](Self::release).
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self { permits: Mutex::new(permits), released: Condvar::new() }
    }

    /// Acquires a permit. Blocks until one is free.
    pub fn acquire(&self) -> Permit<'_> {
        let mut permits = self.permits.lock();
        // `while`, not `if`: another thread may acquire the permit before this one has woken up.
        while *permits == 0 {
            self.released.wait(&mut permits);
        }
        *permits -= 1;
        Permit(self)
    }

    /// Acquires a permit if one is free. Does not block.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        let mut permits = self.permits.lock();
        *permits = permits.checked_sub(1)?;
        Some(Permit(self))
    }

    /// Adds a permit. The caller need not have acquired one before.
    pub fn release(&self) {
        *self.permits.lock() += 1;
        // The lock is free again here. Otherwise the thread that wakes would have to wait for it.
        self.released.notify_one();
    }
}

impl Permit<'_> {
    /// Consumes the permit: it is never released.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

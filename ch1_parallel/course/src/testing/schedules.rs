//! The model checker shuttle decides at each step which thread continues, so that a test explores thousands of schedules.
//!
//! [`Mutex`] and [`Condvar`] have the interface of parking_lot. A library takes them in place of parking_lot's with its
//! feature `model`.

use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::sync;

/// How many schedules a test explores.
pub const SCHEDULES: usize = 10_000;

/// Runs `story` under so many schedules. A panic or a standstill under any of them fails the test, and shuttle prints that
/// schedule.
pub fn explore(story: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(story, SCHEDULES);
}

/// What a story that must fail under some schedule fails with.
pub fn failure(story: impl Fn() + Send + Sync + 'static) -> String {
    let explored = catch_unwind(AssertUnwindSafe(|| explore(story)));
    let panic = explored.expect_err("the checker has not seen the mistake");
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()).unwrap_or("").into()
}

/// parking_lot's `Mutex`, as far as the sources use it.
#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

/// Empty only while its thread waits at a condition variable.
pub struct MutexGuard<'mutex, T>(Option<sync::MutexGuard<'mutex, T>>);

impl<T> Mutex<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// Acquires the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect("nobody panics with a lock")))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it does not wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it does not wait")
    }
}

/// parking_lot's `Condvar`, as far as the sources use it.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    /// A condition variable.
    pub const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// Releases the lock, blocks until a notification, and acquires the lock again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("it does not wait");
        guard.0 = Some(self.0.wait(held).expect("nobody panics with a lock"));
    }

    /// Wakes one thread that waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

//! Tests under the model checker shuttle. Shuttle decides at each step which thread continues, so a test explores thousands
//! of schedules.
//!
//! [`Mutex`] and [`Condvar`] have the interface of parking_lot. With its feature `model` a library uses them in place of
//! parking_lot's.

use std::any::type_name;
use std::ops::{Deref, DerefMut};
use std::process::{Command, exit};
use std::time::Duration;

use shuttle::sync;

use crate::program;

/// The number of schedules that a test explores.
pub const SCHEDULES: usize = 10_000;

/// Runs `story` under [`SCHEDULES`] schedules. A panic or a deadlock under any of them fails the test, and shuttle prints that
/// schedule.
pub fn explore(story: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(story, SCHEDULES);
}

/// Set in the process that runs a story that must fail.
const MUST_FAIL: &str = "SCHEDULES_MUST_FAIL";

/// What the test prints when `story` fails under some schedule. `story` is a closure in the body of the test.
///
/// The test runs once more in a process of its own, because shuttle prints to the stderr of its process. So a test that
/// passes prints nothing about the failure that it expects.
///
/// # Panics
/// `story` does not fail under any schedule.
pub fn failure<S: Fn() + Send + Sync + 'static>(story: S) -> String {
    if std::env::var_os(MUST_FAIL).is_some() {
        explore(story);
        // Not a return: what the test asserts next could fail too, and would look like the failure of the story.
        exit(0);
    }
    // The type of the closure is named after the test: `schedules::the_test::{{closure}}`.
    let test =
        type_name::<S>().split("::").skip(1).take_while(|part| !part.starts_with('{')).collect::<Vec<_>>().join("::");
    let mut again = Command::new(std::env::current_exe().expect("the path of this test program"));
    again.args([test.as_str(), "--exact", "--nocapture"]).env(MUST_FAIL, "1");
    let finished = program::run(&mut again, Duration::from_secs(60)).expect("the test program starts again");
    assert_eq!(finished.code(), Some(101), "shuttle has not found the mistake of {test}: {finished:?}");
    finished.stderr
}

/// parking_lot's `Mutex`, with the functions that the course uses.
#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

/// A lock that is held. It is `None` only while its thread waits for the condition variable.
pub struct MutexGuard<'mutex, T>(Option<sync::MutexGuard<'mutex, T>>);

impl<T> Mutex<T> {
    /// A lock that guards `value`.
    pub const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// Acquires the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect("no thread panics while it holds a lock")))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("the thread does not wait for the condition variable")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("the thread does not wait for the condition variable")
    }
}

/// parking_lot's `Condvar`, with the functions that the course uses.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    /// A condition variable.
    pub const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// Releases the lock, blocks until a notification, and acquires the lock again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("the thread does not wait for the condition variable");
        guard.0 = Some(self.0.wait(held).expect("no thread panics while it holds a lock"));
    }

    /// Wakes one of the threads that wait.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

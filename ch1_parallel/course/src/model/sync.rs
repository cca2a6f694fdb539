//! Locks, condition variables and barriers.

use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync;

use super::run::{Next, step, step_of_drop};

fn address<T: ?Sized>(thing: &T) -> usize {
    std::ptr::from_ref(thing).cast::<()>().addr()
}

/// The guard of the lock of std inside a lock of the checker. It is always free: the checker lets a thread in only if the thread may
/// be there.
fn inside_of<G>(tried: sync::TryLockResult<G>) -> G {
    tried.unwrap_or_else(|error| match error {
        sync::TryLockError::Poisoned(poisoned) => poisoned.into_inner(),
        sync::TryLockError::WouldBlock => panic!("two threads hold one lock"),
    })
}

/// A guard of the lock at this address is dropped.
fn release<G>(at: usize, inside: Option<G>) {
    step_of_drop(|run, me| {
        drop(inside);
        format!("releases {}", run.release(at, me))
    });
}

/// parking_lot's `Mutex`, with the functions that the course uses.
#[derive(Debug, Default)]
pub struct Mutex<T> {
    value: sync::Mutex<T>,
}

/// A lock that is held.
#[derive(Debug)]
pub struct MutexGuard<'mutex, T> {
    mutex: &'mutex Mutex<T>,
    /// It is `None` while its thread waits for a condition variable, and when it is dropped.
    inside: Option<sync::MutexGuard<'mutex, T>>,
}

impl<T> Mutex<T> {
    /// A lock that guards `value`.
    pub const fn new(value: T) -> Self {
        Self { value: sync::Mutex::new(value) }
    }

    /// Acquires the lock.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let at = address(self);
        step(Next::Exclusive(at), "a lock", Some(Location::caller()), |run, me, name| {
            run.acquire(at, me, name);
            ((), format!("acquires {name}"))
        });
        MutexGuard { mutex: self, inside: Some(inside_of(self.value.try_lock())) }
    }

    /// The value. No thread holds the lock, since it is moved here.
    pub fn into_inner(self) -> T {
        self.value.into_inner().unwrap_or_else(sync::PoisonError::into_inner)
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        release(address(self.mutex), self.inside.take());
    }
}

const HELD: &str = "the thread does not wait for the condition variable";

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inside.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inside.as_mut().expect(HELD)
    }
}

/// parking_lot's `Condvar`, with the functions that the course uses.
#[derive(Debug, Default)]
pub struct Condvar {
    // Two values that take up no memory could lie in one place.
    _place: u8,
}

impl Condvar {
    /// A condition variable.
    pub const fn new() -> Self {
        Self { _place: 0 }
    }

    /// Releases the lock, blocks until a notification, and acquires the lock again.
    #[track_caller]
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let (at, lock) = (address(self), address(guard.mutex));
        let place = Some(Location::caller());
        let inside = guard.inside.take();
        let (on, place, name) = step(Next::Free, "a notification", place, |run, me, on| {
            drop(inside);
            let name = run.release(lock, me);
            run.wait(at, me);
            let place = run.place_of(me);
            ((on.to_owned(), place, name.clone()), format!("releases {name} and waits for {on}"))
        });
        step(Next::Notified(at, lock), &on, place, |run, me, on| {
            run.woken(at, me);
            run.acquire(lock, me, &name);
            ((), format!("was woken from its wait for {on}, and acquires {name}"))
        });
        guard.inside = Some(inside_of(guard.mutex.value.try_lock()));
    }

    /// Wakes one of the threads that wait.
    #[track_caller]
    pub fn notify_one(&self) {
        self.notify(false, Location::caller());
    }

    /// Wakes all threads that wait.
    #[track_caller]
    pub fn notify_all(&self) {
        self.notify(true, Location::caller());
    }

    fn notify(&self, all: bool, place: &'static Location<'static>) {
        let at = address(self);
        step(Next::Free, "", Some(place), |run, _, _| {
            let what = match (run.notify(at, all), all) {
                (0, _) => "notifies, and no thread waits".to_owned(),
                (1, _) => "notifies the thread that waits".to_owned(),
                (_, false) => "notifies one of the threads that wait".to_owned(),
                (count, true) => format!("notifies the {count} threads that wait"),
            };
            ((), what)
        });
    }
}

/// parking_lot's `RwLock`, with the functions that the course uses: a writer that waits keeps new readers out.
#[derive(Debug, Default)]
pub struct RwLock<T> {
    value: sync::RwLock<T>,
}

/// A lock that is held for reading.
#[derive(Debug)]
pub struct ReadGuard<'lock, T> {
    lock: &'lock RwLock<T>,
    inside: Option<sync::RwLockReadGuard<'lock, T>>,
}

/// A lock that is held for writing.
#[derive(Debug)]
pub struct WriteGuard<'lock, T> {
    lock: &'lock RwLock<T>,
    inside: Option<sync::RwLockWriteGuard<'lock, T>>,
}

impl<T> RwLock<T> {
    /// A lock that guards `value`.
    pub const fn new(value: T) -> Self {
        Self { value: sync::RwLock::new(value) }
    }

    /// Acquires the lock for reading.
    #[track_caller]
    pub fn read(&self) -> ReadGuard<'_, T> {
        let at = address(self);
        step(Next::Shared(at), "a lock", Some(Location::caller()), |run, me, name| {
            run.acquire_to_read(at, me, name);
            ((), format!("acquires {name} for reading"))
        });
        self.reader()
    }

    /// Acquires the lock for reading, if that needs no waiting.
    #[track_caller]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        let at = address(self);
        let acquired = step(Next::Free, "a lock", Some(Location::caller()), |run, me, name| {
            let can = run.can_read(at);
            if can {
                run.acquire_to_read(at, me, name);
            }
            (can, format!("{} {name} for reading", if can { "acquires" } else { "cannot acquire" }))
        });
        acquired.then(|| self.reader())
    }

    fn reader(&self) -> ReadGuard<'_, T> {
        ReadGuard { lock: self, inside: Some(inside_of(self.value.try_read())) }
    }

    /// Acquires the lock for writing.
    #[track_caller]
    pub fn write(&self) -> WriteGuard<'_, T> {
        let at = address(self);
        step(Next::Exclusive(at), "a lock", Some(Location::caller()), |run, me, name| {
            run.acquire(at, me, name);
            ((), format!("acquires {name} for writing"))
        });
        WriteGuard { lock: self, inside: Some(inside_of(self.value.try_write())) }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        release(address(self.lock), self.inside.take());
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        release(address(self.lock), self.inside.take());
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inside.as_ref().expect("it is not dropped")
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inside.as_ref().expect("it is not dropped")
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inside.as_mut().expect("it is not dropped")
    }
}

/// std's `Barrier`.
#[derive(Debug)]
pub struct Barrier {
    parties: usize,
}

impl Barrier {
    /// A barrier for this number of threads.
    #[must_use]
    pub const fn new(parties: usize) -> Self {
        Self { parties }
    }

    /// Blocks until all threads have come.
    #[track_caller]
    pub fn wait(&self) {
        let at = address(self);
        let (on, before, opens, place) = step(Next::Free, "the barrier", Some(Location::caller()), |run, me, on| {
            let (before, opens) = run.come(at, self.parties);
            let what = if opens { "comes as the last thread to" } else { "comes to" };
            ((on.to_owned(), before, opens, run.place_of(me)), format!("{what} the barrier \"{on}\""))
        });
        if !opens {
            step(Next::Opened(at, before), &on, place, |_, _, on| ((), format!("goes on after the barrier \"{on}\"")));
        }
    }
}

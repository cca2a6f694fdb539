//! A lock between processes, around the value that it protects.
//!
//! If a process is killed while it holds the lock, the next process gets the lock, and an error that says so. A
//! [semaphore](crate::Semaphore) with one permit would stay locked, since it does not know its holder. Python's
//! `multiprocessing.Lock` is such a semaphore, and stays locked.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::memory::{Atomic, Region};
use crate::machinery::robust::{Held, RobustMutex};

/// A value that only one process or thread at a time can use. A clone is the same lock around the same value.
#[derive(Debug)]
pub struct Lock<T> {
    region: Region<Head>,
    value: PhantomData<T>,
}

#[derive(Debug)]
#[repr(C)]
struct Head(RobustMutex);

// SAFETY: a mutex, which is an `Atomic`.
unsafe impl Atomic for Head {}

/// The lock is held until this guard is dropped. The guard gives access to the value.
#[derive(Debug)]
pub struct LockGuard<'lock, T> {
    value: &'lock mut T,
    _held: Held<'lock>,
    /// The system has a list of the addresses of the locks that a thread holds. So the memory must stay mapped, even if
    /// this guard is forgotten (`std::mem::forget`).
    _memory: Region<Head>,
}

/// The last holder died while it held the lock, and may have left the value half changed.
pub struct Abandoned<'lock, T>(LockGuard<'lock, T>);

impl<T: Pod> Lock<T> {
    /// A lock around this value.
    ///
    /// # Errors
    /// The system gave no memory.
    pub fn new(value: T) -> io::Result<Self> {
        const { assert!(align_of::<T>() <= 64) };
        let lock = Self { region: Region::new(size_of::<T>())?, value: PhantomData };
        // SAFETY: the memory is new, so no other process has it.
        unsafe { lock.region.head().0.init() };
        let (Ok(mut guard) | Err(Abandoned(mut guard))) = lock.lock();
        *guard = value;
        drop(guard);
        Ok(lock)
    }

    /// Acquires the lock; blocks while another process or thread holds it.
    ///
    /// # Errors
    /// The last holder died while it held the lock. The caller has acquired the lock nevertheless: see
    /// [`Abandoned::into_guard`].
    ///
    /// # Panics
    /// This thread holds the lock already: it would wait for itself for ever.
    pub fn lock(&self) -> Result<LockGuard<'_, T>, Abandoned<'_, T>> {
        let held = self.region.head().0.lock();
        let abandoned = held.abandoned;
        // SAFETY: the region has room for a `T` behind its head, aligned, and any bytes are a `T` (`Pod`). All processes use the
        // value only while they hold the mutex, and all have it as a value of this size (`Deserialize`).
        let value = unsafe { &mut *self.region.at(0).cast::<T>() };
        let guard = LockGuard { value, _held: held, _memory: self.region.clone() };
        if abandoned { Err(Abandoned(guard)) } else { Ok(guard) }
    }
}

impl<'lock, T> Abandoned<'lock, T> {
    /// The lock, with the value as the dead process left it. The caller should repair the value.
    #[must_use]
    pub fn into_guard(self) -> LockGuard<'lock, T> {
        self.0
    }
}

impl<T> fmt::Debug for Abandoned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Abandoned").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Abandoned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the last holder of the lock died while it held it")
    }
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value
    }
}

impl<T> Clone for Lock<T> {
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), value: PhantomData }
    }
}

impl<T> Serialize for Lock<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.region.serialize(serializer)
    }
}

impl<'de, T: Pod> Deserialize<'de> for Lock<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let region = Region::deserialize(deserializer)?;
        // Another type does no harm if it has the same length: any bytes are a `T`.
        if region.length() != size_of::<T>() {
            return Err(serde::de::Error::custom("a lock around something else"));
        }
        Ok(Self { region, value: PhantomData })
    }
}

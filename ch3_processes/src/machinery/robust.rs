//! A mutex in shared memory that survives the death of its holder.
//!
//! It is the robust mutex of POSIX, shared between processes. The kernel has a list of the mutexes that a thread holds, and
//! releases them when the thread ends.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::time::{Duration, SystemTime};

use crate::machinery::bell;
use crate::machinery::memory::Atomic;

/// Zero bytes are not a mutex yet: see [`init`](Self::init).
#[repr(C, align(64))]
pub struct RobustMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: after `init` only the system's functions for mutexes touch it. They return an error for bytes that are not a mutex.
unsafe impl Atomic for RobustMutex {}
// SAFETY: the same.
unsafe impl Sync for RobustMutex {}

/// The mutex is held until this is dropped, by the thread that acquired it.
#[derive(Debug)]
pub struct Held<'mutex> {
    mutex: &'mutex RobustMutex,
    /// Whether the last holder died while it held the mutex.
    pub abandoned: bool,
    not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for RobustMutex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RobustMutex").finish_non_exhaustive()
    }
}

impl RobustMutex {
    /// Makes it a mutex.
    ///
    /// # Safety
    /// It lies in memory that no other process has yet.
    pub unsafe fn init(&self) {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: a place for attributes.
        let made = unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) };
        assert_eq!(made, 0, "attributes of a mutex");
        // SAFETY: initialized by the call above.
        let mut attributes = unsafe { attributes.assume_init() };
        // SAFETY: initialized attributes; the constant is one of this setting's.
        let shared = unsafe { libc::pthread_mutexattr_setpshared(&raw mut attributes, libc::PTHREAD_PROCESS_SHARED) };
        // SAFETY: as above.
        let robust = unsafe { libc::pthread_mutexattr_setrobust(&raw mut attributes, libc::PTHREAD_MUTEX_ROBUST) };
        // SAFETY: as above. This kind returns an error to a thread that holds the mutex already and would wait for itself.
        let kind = unsafe { libc::pthread_mutexattr_settype(&raw mut attributes, libc::PTHREAD_MUTEX_ERRORCHECK) };
        assert_eq!((shared, robust, kind), (0, 0, 0), "Linux has such mutexes");
        // SAFETY: no other process has the memory (this function's condition), and the attributes are initialized.
        let made = unsafe { libc::pthread_mutex_init(self.0.get(), &raw const attributes) };
        assert_eq!(made, 0, "a mutex");
        // SAFETY: initialized, and not used after this.
        unsafe { libc::pthread_mutexattr_destroy(&raw mut attributes) };
    }

    /// Acquires the mutex; blocks while another thread holds it.
    ///
    /// The thread sleeps for a limited time, and then looks whether the mutex is free. `pthread_mutex_lock` sleeps without a
    /// limit, and can sleep for ever, because the word of the mutex says in one bit whether any thread sleeps:
    ///
    /// 1. Threads A and B sleep. The holder releases the mutex, which clears the bit, and wakes A alone. A is to set the bit
    ///    again on behalf of B.
    /// 2. Before A runs, thread C acquires the free mutex. The bit stays clear, since C has not slept.
    /// 3. A is killed. The kernel passes its wake-up on only if no thread holds the mutex, but C does.
    /// 4. C releases the mutex or is killed. The bit is clear, so C does not wake B, though the mutex is free.
    ///
    /// The limit is a time of the system's clock, since all systems have `pthread_mutex_timedlock` and not all have a function
    /// that takes the monotonic clock. If someone sets the clock back within these milliseconds, a thread whose wake-up was
    /// lost looks that much later.
    ///
    /// # Panics
    /// This thread holds the mutex already.
    pub fn lock(&self) -> Held<'_> {
        // As a rule the holder releases the mutex soon, and to sleep takes longer.
        for _ in 0..=bell::spins(2) / 20 {
            if let Some(held) = self.try_lock() {
                return held;
            }
            spin_loop();
        }
        loop {
            let limit = in_the_systems_clock(bell::LOOK_AROUND);
            // SAFETY: it was initialized before any other process had it, and its memory is mapped while `self` is borrowed.
            let locked = unsafe { libc::pthread_mutex_timedlock(self.0.get(), &raw const limit) };
            assert_ne!(locked, libc::EDEADLK, "this thread holds the lock already: it would wait for itself");
            if locked != libc::ETIMEDOUT {
                return self.held(locked).expect("a mutex that was initialized gives no other answer");
            }
        }
    }

    /// Acquires the mutex if it is free. Never blocks.
    pub fn try_lock(&self) -> Option<Held<'_>> {
        // SAFETY: as in `lock`.
        self.held(unsafe { libc::pthread_mutex_trylock(self.0.get()) })
    }

    fn held(&self, answer: i32) -> Option<Held<'_>> {
        match answer {
            0 => Some(Held { mutex: self, abandoned: false, not_send: PhantomData }),
            libc::EOWNERDEAD => {
                // SAFETY: this thread holds it. The later holders need not know that a holder died.
                unsafe { libc::pthread_mutex_consistent(self.0.get()) };
                Some(Held { mutex: self, abandoned: true, not_send: PhantomData })
            }
            _ => None,
        }
    }
}

/// The time of the system's clock after this `pause`.
fn in_the_systems_clock(pause: Duration) -> libc::timespec {
    let time = (SystemTime::now() + pause).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    libc::timespec { tv_sec: time.as_secs() as libc::time_t, tv_nsec: time.subsec_nanos().into() }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // SAFETY: this thread acquired it, since a `Held` cannot be sent to another thread.
        unsafe { libc::pthread_mutex_unlock(self.mutex.0.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machinery::memory::Region;

    #[test]
    fn the_next_thread_gets_it_and_learns_of_the_death() {
        let memory = Region::<RobustMutex>::new(0).unwrap();
        // SAFETY: no other process has the memory.
        unsafe { memory.head().init() };
        assert!(!memory.head().lock().abandoned);
        let theirs = memory.clone();
        // For the system the end of a thread is like the end of a process.
        std::thread::spawn(move || std::mem::forget(theirs.head().lock())).join().unwrap();
        assert!(memory.head().try_lock().unwrap().abandoned);
        let held = memory.head().lock();
        assert!(!held.abandoned, "only one holder learns of it");
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(memory.head().try_lock().is_none()));
        });
    }
}

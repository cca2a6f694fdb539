//! Messages in shared memory: many processes may add messages, and many may take them.
//!
//! All changes are made under a lock, and each becomes valid by a single store. A process that is killed has therefore made a
//! change completely or not at all, and the next holder of the lock has nothing to repair.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use serde::{Deserialize, Serialize};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::memory::{Atomic, Region};
use crate::machinery::robust::{Held, RobustMutex};

/// Each message is preceded by the length of its bytes.
const HEAD: usize = size_of::<u32>();

/// A ring of messages. A clone is the same ring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Messages(Region<Head>);

#[derive(Debug)]
#[repr(C, align(128))]
struct Head {
    lock: RobustMutex,
    /// Which bytes are in use: where they begin, in the upper half, and how many there are, in the lower half.
    used: AtomicU64,
    /// Rings when a message has been added.
    added: Bell,
    /// Rings when a message has been taken.
    taken: Bell,
}

// SAFETY: atomic integers, a mutex, which is an `Atomic`, and unused bytes.
unsafe impl Atomic for Head {}

/// A place in the memory, and the bytes in use from there on.
#[derive(Clone, Copy)]
struct Used {
    start: usize,
    bytes: usize,
}

impl Messages {
    /// Room for this number of bytes.
    pub fn new(bytes: usize) -> io::Result<Self> {
        if u32::try_from(bytes).is_err() {
            return Err(io::Error::other("a queue has room for at most 4 GiB"));
        }
        let messages = Self(Region::new(bytes)?);
        // SAFETY: the memory is new, so no other process has it.
        unsafe { messages.0.head().lock.init() };
        Ok(messages)
    }

    fn head(&self) -> &Head {
        self.0.head()
    }

    fn used(&self) -> Used {
        let used = self.head().used.load(Acquire);
        Used { start: (used >> 32) as usize, bytes: used as u32 as usize }
    }

    /// The single store by which a change becomes valid.
    fn commit(&self, _held: &Held<'_>, used: Used) {
        self.head().used.store((used.start as u64) << 32 | used.bytes as u64, Release);
    }

    /// Whether there is no message. Other processes may change that at any time.
    pub fn is_empty(&self) -> bool {
        self.head().used.load(Relaxed) as u32 == 0
    }

    /// Whether half of the room is free. Other processes may change that at any time.
    pub fn is_half_empty(&self) -> bool {
        (self.head().used.load(Relaxed) as u32 as usize) < self.0.length() / 2
    }

    /// Adds a message if there is room, and returns whether there was. `None` if the message is longer than all the room.
    pub fn push(&self, message: &[u8]) -> Option<bool> {
        let length = u32::try_from(message.len()).ok()?;
        let all = HEAD.checked_add(message.len()).filter(|&all| all <= self.0.length())?;
        {
            let held = self.head().lock.lock();
            let mut used = self.used();
            if self.0.length() - used.bytes < all {
                return Some(false);
            }
            if used.bytes == 0 {
                // Use the same memory again, while it is in the caches.
                used.start = 0;
            }
            let end = used.start + used.bytes;
            self.copy_in(&held, end, &length.to_le_bytes());
            self.copy_in(&held, end + HEAD, message);
            used.bytes += all;
            self.commit(&held, used);
        }
        self.head().added.ring();
        Some(true)
    }

    /// Waits for room and adds a message. `false` if there is no room and `over` says that there will be none.
    pub fn push_waiting(&self, message: &[u8], over: impl FnMut() -> bool) -> io::Result<bool> {
        let mut too_long = false;
        let pushed = self.head().taken.wait(
            spins(2),
            None,
            || match self.push(message) {
                Some(pushed) => pushed.then_some(()),
                None => {
                    too_long = true;
                    Some(())
                }
            },
            over,
        );
        if too_long {
            let room = self.0.length();
            return Err(io::Error::other(format!("{} bytes do not fit into a queue of {room}", message.len() + HEAD)));
        }
        Ok(pushed.is_some())
    }

    /// Takes a message if there is one. `note` sees the message before it is removed for the other processes.
    pub fn pop(&self, note: impl FnOnce(&[u8])) -> Option<Vec<u8>> {
        // A process that only looks does not make others wait for the lock.
        if self.is_empty() {
            return None;
        }
        let message = {
            let held = self.head().lock.lock();
            let mut used = self.used();
            let message = self.front(&held)?;
            note(&message);
            let all = HEAD + message.len();
            used = Used { start: (used.start + all) % self.0.length(), bytes: used.bytes - all };
            self.commit(&held, used);
            message
        };
        self.head().taken.ring();
        Some(message)
    }

    /// Wakes all processes that wait for a message, so that they see that there will be no more.
    pub fn wake_all_takers(&self) {
        self.head().added.ring_all();
    }

    /// Wakes all processes that wait for room, so that they see that there will be no more.
    pub fn wake_all_adders(&self) {
        self.head().taken.ring_all();
    }

    /// Waits for a message and takes it. `None` if there is none and `over` says that there will be none.
    pub fn pop_waiting(&self, over: impl FnMut() -> bool, note: impl Fn(&[u8])) -> Option<Vec<u8>> {
        self.head().added.wait(spins(2), None, || self.pop(&note), over)
    }

    /// Looks at the next message. Meanwhile no process can take a message.
    pub fn look<T>(&self, look: impl FnOnce(Option<&[u8]>) -> T) -> T {
        let held = self.head().lock.lock();
        look(self.front(&held).as_deref())
    }

    fn front(&self, held: &Held<'_>) -> Option<Vec<u8>> {
        let used = self.used();
        if used.bytes < HEAD {
            return None;
        }
        let mut length = Vec::with_capacity(HEAD);
        self.copy_out(held, used.start, HEAD, &mut length);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let mut message = Vec::with_capacity(length.min(used.bytes));
        self.copy_out(held, used.start + HEAD, length.min(used.bytes), &mut message);
        Some(message)
    }

    /// Copies `bytes` to the place `at`; what does not fit there continues at the beginning. The lock is held, so no other
    /// process touches the memory.
    fn copy_in(&self, _held: &Held<'_>, at: usize, bytes: &[u8]) {
        let at = at % self.0.length();
        let (first, rest) = bytes.split_at(bytes.len().min(self.0.length() - at));
        // SAFETY: within the region, since `at` is and `first` ends at its end at the latest; only the holder of the lock
        // touches it.
        unsafe { self.0.at(at).copy_from_nonoverlapping(first.as_ptr(), first.len()) };
        assert!(rest.len() <= at, "a message is no longer than the region");
        // SAFETY: the same; the rest ends before `at`.
        unsafe { self.0.at(0).copy_from_nonoverlapping(rest.as_ptr(), rest.len()) };
    }

    /// Appends `length` bytes from the place `at` on to `bytes`; behind the end they continue at the beginning.
    fn copy_out(&self, _held: &Held<'_>, at: usize, length: usize, bytes: &mut Vec<u8>) {
        let at = at % self.0.length();
        assert!(length <= self.0.length(), "a message is no longer than the region");
        let first = length.min(self.0.length() - at);
        // SAFETY: within the region and mapped as long as `self` lives; only the holder of the lock touches it.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(self.0.at(at), first) });
        // SAFETY: the same, for the rest at the start.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(self.0.at(0), length - first) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_dies_within_a_push_has_changed_nothing() {
        let messages = Messages::new(64).unwrap();
        // Several times round the ring.
        for round in 0..40u8 {
            assert_eq!(messages.push(&[round; 21]), Some(true));
            let theirs = messages.clone();
            std::thread::spawn(move || {
                let held = theirs.head().lock.lock();
                let used = theirs.used();
                theirs.copy_in(&held, used.start + used.bytes, &[255; 30]);
                std::mem::forget(held);
            })
            .join()
            .unwrap();
            assert_eq!(messages.push(&[round; 20]), Some(true));
            assert_eq!(messages.push(&[round; 20]), Some(false), "there is no room");
            assert_eq!(messages.pop(|_| ()), Some(vec![round; 21]));
            assert_eq!(messages.pop(|message| assert_eq!(message, [round; 20])), Some(vec![round; 20]));
            assert_eq!(messages.pop(|_| ()), None);
        }
        assert_eq!(messages.push(&[0; 61]), None, "there is never room");
    }
}

//! A queue between processes: many may put values in, many may take them out.
//!
//! Each value is taken once, in the order in which they were put. The queue lies in shared memory, so a value costs two
//! copies and no call of the system, as long as nobody has to sleep. Its end is the end of those who could put something
//! in, however they end: then [`recv`](Receiver::recv) gives `None`. In Python a queue has no end, and a process that is
//! killed while it uses one leaves its lock behind, and all the others waiting.

use std::io;
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::memory::{Atomic, Region};
use crate::machinery::presence::{Presence, Watch, presence};
use crate::machinery::robust::{Held, RobustMutex};

/// Room for the values of a queue, in bytes, if nothing else is said. It takes memory only as far as it is used.
const ROOM: usize = 16 << 20;
/// Each value is preceded by the length of its bytes.
const HEAD: usize = size_of::<u32>();

/// Puts values into a queue. A clone puts them into the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sender<T> {
    messages: Messages,
    link: Link,
    sends: PhantomData<fn(T)>,
}

/// Takes values from a queue; each goes to one receiver. A clone takes them from the same.
///
/// Iterates over the values until the end of the stream.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Receiver<T> {
    messages: Messages,
    link: Link,
    receives: PhantomData<fn() -> T>,
}

/// What tells each side whether the other has somebody left.
#[derive(Debug, Serialize, Deserialize)]
struct Link {
    /// Until this one is dropped.
    presence: Option<Presence>,
    others: Watch,
}

/// A queue with room for 16 MiB.
///
/// # Errors
/// The system gave no memory or no descriptors.
pub fn queue<T>() -> io::Result<(Sender<T>, Receiver<T>)> {
    queue_of(ROOM)
}

/// A queue with room for so many bytes, at most 4 GiB; each value needs 4 more than
/// [postcard](https://docs.rs/postcard) makes of it.
///
/// # Errors
/// The system gave no memory or no descriptors.
pub fn queue_of<T>(bytes: usize) -> io::Result<(Sender<T>, Receiver<T>)> {
    let messages = Messages::new(bytes)?;
    let ((sending, senders), (receiving, receivers)) = (presence()?, presence()?);
    let sender_link = Link { presence: Some(sending), others: receivers };
    let receiver_link = Link { presence: Some(receiving), others: senders };
    Ok((
        Sender { messages: messages.clone(), link: sender_link, sends: PhantomData },
        Receiver { messages, link: receiver_link, receives: PhantomData },
    ))
}

impl Link {
    fn try_clone(&self) -> io::Result<Self> {
        let presence = self.presence.as_ref().map(Presence::try_clone).transpose()?;
        Ok(Self { presence, others: self.others.try_clone()? })
    }
}

impl<T: Serialize> Sender<T> {
    /// Puts a value in; waits while the queue is full.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if no receiver is left, which is seen when the queue is full at the latest;
    /// or the value cannot be serialized, or is larger than the queue.
    pub fn send(&self, value: &T) -> io::Result<()> {
        let message = postcard::to_stdvec(value).map_err(io::Error::other)?;
        match self.messages.push_waiting(&message, || self.link.others.alone())? {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::BrokenPipe, "no receiver of the queue is left")),
        }
    }
}

impl<T> Sender<T> {
    /// Another sender into the same queue.
    ///
    /// # Errors
    /// The system gave no descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { messages: self.messages.clone(), link: self.link.try_clone()?, sends: PhantomData })
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Waits for the next value; `None` if the queue is empty and no sender is left.
    ///
    /// # Errors
    /// What came is no `T`.
    pub fn recv(&self) -> io::Result<Option<T>> {
        match self.messages.pop_waiting(|| self.link.others.alone(), |_| ()) {
            Some(message) => postcard::from_bytes(&message).map(Some).map_err(io::Error::other),
            None => Ok(None),
        }
    }

    /// The next value, if there is one now.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&self) -> io::Result<Option<T>> {
        match self.messages.pop(|_| ()) {
            Some(message) => postcard::from_bytes(&message).map(Some).map_err(io::Error::other),
            None => Ok(None),
        }
    }
}

impl<T> Receiver<T> {
    /// Another receiver from the same queue.
    ///
    /// # Errors
    /// The system gave no descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { messages: self.messages.clone(), link: self.link.try_clone()?, receives: PhantomData })
    }
}

impl<T: DeserializeOwned> Iterator for Receiver<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv().transpose()
    }
}

// Those who wait look at once whether this was the last one; if its process is killed, a moment later.

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.link.presence = None;
        self.messages.wake_all();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.link.presence = None;
        self.messages.head().emptied.ring_all();
    }
}

// ------------------------------------------------------------------------------------------------------------- the memory

/// Messages in shared memory, which many put in and many take out.
///
/// All changes are made under a lock, and each becomes valid by one store: whoever is killed has made all of it or
/// nothing, so the next holder of the lock has nothing to put right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Messages(Region<Head>);

#[derive(Debug)]
#[repr(C, align(128))]
struct Head {
    lock: RobustMutex,
    /// Which bytes are in use: where they begin, in the upper half, and how many there are.
    used: AtomicU64,
    /// Rings when there is a message.
    filled: Bell,
    /// Rings when there is room.
    emptied: Bell,
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
    pub fn new(bytes: usize) -> io::Result<Self> {
        if u32::try_from(bytes).is_err() {
            return Err(io::Error::other("a queue for more than 4 GiB"));
        }
        let messages = Self(Region::new(bytes)?);
        // SAFETY: the memory is new, so nobody else has it.
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

    /// The one store by which a change becomes valid.
    fn commit(&self, _held: &Held<'_>, used: Used) {
        self.head().used.store((used.start as u64) << 32 | used.bytes as u64, Release);
    }

    /// Whether there is none. Others may change that at any time.
    pub fn is_empty(&self) -> bool {
        self.head().used.load(Relaxed) as u32 == 0
    }

    pub fn is_half_empty(&self) -> bool {
        (self.head().used.load(Relaxed) as u32 as usize) < self.0.length() / 2
    }

    /// Puts a message in if there is room; `None` if there never is for one so long.
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
                // The same memory again, while it is in the caches.
                used.start = 0;
            }
            let end = used.start + used.bytes;
            self.copy_in(&held, end, &length.to_le_bytes());
            self.copy_in(&held, end + HEAD, message);
            used.bytes += all;
            self.commit(&held, used);
        }
        self.head().filled.ring();
        Some(true)
    }

    /// Waits for room; `false` if there is none and `over` says that there will be none.
    pub fn push_waiting(&self, message: &[u8], over: impl FnMut() -> bool) -> io::Result<bool> {
        let mut too_long = false;
        let pushed = self.head().emptied.wait(
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

    /// Takes a message if there is one. `note` sees it before it is gone for the others.
    pub fn pop(&self, note: impl FnOnce(&[u8])) -> Option<Vec<u8>> {
        // Nobody is kept waiting by those who only look.
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
        self.head().emptied.ring();
        Some(message)
    }

    /// Makes those who wait for a message see that nothing more will come.
    pub fn wake_all(&self) {
        self.head().filled.ring_all();
    }

    /// Waits for a message; `None` if there is none and `over` says that none will come.
    pub fn pop_waiting(&self, over: impl FnMut() -> bool, note: impl Fn(&[u8])) -> Option<Vec<u8>> {
        self.head().filled.wait(spins(2), None, || self.pop(&note), over)
    }

    /// Looks at what is next while nobody can take it or anything else.
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

    /// Copies `bytes` to the place `at`, and on from the beginning behind the end. Nobody else touches the memory: the lock
    /// is held.
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

    /// Appends `length` bytes from the place `at` on to `bytes`.
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
    fn who_dies_in_the_middle_of_a_push_has_not_begun_it() {
        let messages = Messages::new(64).unwrap();
        // Round the ring more than once.
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
        assert_eq!(messages.push(&[0; 61]), None, "there never is");
    }
}

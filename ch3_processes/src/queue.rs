//! A queue between processes: many processes may send values, and many may receive them.
//!
//! Each value is received once, in the order in which the values were sent. The queue lies in shared memory, so a value costs
//! two copies and no system call, as long as no process has to sleep. When the queue is empty and all senders have been dropped,
//! or their processes have ended in any way, [`recv`](Receiver::recv) returns `None`. A [pipe](mod@crate::pipe) has one sender
//! and one receiver instead. In Python a queue has no end, and a process that is killed while it uses the queue keeps its lock,
//! so that all other processes wait for ever.

use std::io;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machinery::messages::Messages;
use crate::machinery::presence::{Presence, Watch, presence};

/// Room for the values of a [`queue`], in bytes. It takes memory only as far as it is used.
const ROOM: usize = 16 << 20;

/// The end of a queue that sends values. A clone sends into the same queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sender<T> {
    messages: Messages,
    link: Link,
    sends: PhantomData<fn(T)>,
}

/// The end of a queue that receives values. A clone receives from the same queue, and each value goes to one receiver.
///
/// As an iterator it yields the values until the end of the queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Receiver<T> {
    messages: Messages,
    link: Link,
    receives: PhantomData<fn() -> T>,
}

/// Shows each side whether the other side has ended.
#[derive(Debug, Serialize, Deserialize)]
struct Link {
    /// Held until this end is dropped.
    presence: Option<Presence>,
    other_side: Watch,
}

/// A queue with room for 16 MiB.
///
/// # Errors
/// The system gave no memory or no descriptors.
pub fn queue<T>() -> io::Result<(Sender<T>, Receiver<T>)> {
    queue_of(ROOM)
}

/// A queue with room for this number of bytes, at most 4 GiB. Each value takes 4 bytes more than
/// [postcard](https://docs.rs/postcard) makes of it.
///
/// # Errors
/// The system gave no memory or no descriptors.
pub fn queue_of<T>(bytes: usize) -> io::Result<(Sender<T>, Receiver<T>)> {
    let messages = Messages::new(bytes)?;
    let ((sending, senders), (receiving, receivers)) = (presence()?, presence()?);
    let sender_link = Link { presence: Some(sending), other_side: receivers };
    let receiver_link = Link { presence: Some(receiving), other_side: senders };
    Ok((
        Sender { messages: messages.clone(), link: sender_link, sends: PhantomData },
        Receiver { messages, link: receiver_link, receives: PhantomData },
    ))
}

impl Link {
    fn try_clone(&self) -> io::Result<Self> {
        let clone = || -> io::Result<_> {
            let presence = self.presence.as_ref().map(Presence::try_clone).transpose()?;
            Ok(Self { presence, other_side: self.other_side.try_clone()? })
        };
        clone().map_err(|error| io::Error::new(error.kind(), format!("cloning an end of a queue: {error}")))
    }
}

impl<T: Serialize> Sender<T> {
    /// Sends a value; blocks while the queue is full.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if no receiver is left, which `send` notices at the latest when the queue is
    /// full; or the value cannot be serialized, or is larger than the queue.
    pub fn send(&self, value: &T) -> io::Result<()> {
        let message = postcard::to_stdvec(value).map_err(io::Error::other)?;
        match self.messages.push_waiting(&message, || self.link.other_side.alone())? {
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
    /// Receives the next value; blocks while the queue is empty. `None` if the queue is empty and no sender is left.
    ///
    /// # Errors
    /// The value is not a `T`.
    pub fn recv(&self) -> io::Result<Option<T>> {
        match self.messages.pop_waiting(|| self.link.other_side.alone(), |_| ()) {
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

// The processes that wait look at once whether this was the last sender or receiver. If its process is killed, they look within
// 50 ms.

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.link.presence = None;
        self.messages.wake_all_takers();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.link.presence = None;
        self.messages.wake_all_adders();
    }
}

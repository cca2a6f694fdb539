//! Channels with crossbeam's interface.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::run::{Next, step};

/// All receivers were dropped. It has the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

/// All senders were dropped, and the channel is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// What decides whether a thread can send or receive.
#[derive(Debug, Default)]
pub(super) struct Counts {
    capacity: usize,
    messages: AtomicUsize,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

impl Counts {
    pub fn has_message(&self) -> bool {
        self.messages.load(SeqCst) > 0 || self.senders.load(SeqCst) == 0
    }

    /// A channel without room passes a message on when a thread receives: `receiving` threads do.
    pub fn has_room(&self, receiving: usize) -> bool {
        let room = if self.capacity == 0 { receiving } else { self.capacity };
        self.messages.load(SeqCst) < room || self.receivers.load(SeqCst) == 0
    }

    pub fn senders_left(&self) -> String {
        match self.senders.load(SeqCst) {
            1 => "1 sender is left".into(),
            left => format!("{left} senders are left"),
        }
    }
}

#[derive(Debug)]
struct Channel<T> {
    counts: Arc<Counts>,
    messages: Mutex<VecDeque<T>>,
}

impl<T> Channel<T> {
    fn messages(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending end of a channel.
#[derive(Debug)]
pub struct Sender<T>(Arc<Channel<T>>);

/// The receiving end of a channel.
#[derive(Debug)]
pub struct Receiver<T>(Arc<Channel<T>>);

/// A channel with room for `capacity` messages.
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let counts = Counts { capacity, senders: 1.into(), receivers: 1.into(), ..Counts::default() };
    let channel = Arc::new(Channel { counts: Arc::new(counts), messages: Mutex::default() });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

impl<T> Sender<T> {
    /// Sends a message. It blocks while the channel has no room.
    ///
    /// # Errors
    /// All receivers were dropped.
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let counts = &self.0.counts;
        step(Next::Room(Arc::clone(counts)), "room in a channel", Some(Location::caller()), |_, _, name| {
            if counts.receivers.load(SeqCst) == 0 {
                return (Err(SendError(message)), format!("cannot send into {name}: all receivers are dropped"));
            }
            self.0.messages().push_back(message);
            counts.messages.fetch_add(1, SeqCst);
            (Ok(()), format!("sends into {name}"))
        })
    }
}

impl<T> Receiver<T> {
    /// Receives a message. It blocks while the channel is empty.
    ///
    /// # Errors
    /// The channel is empty, and all senders were dropped.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        let counts = &self.0.counts;
        step(Next::Message(Arc::clone(counts)), "a message", Some(Location::caller()), |_, _, name| {
            let Some(message) = self.0.messages().pop_front() else {
                return (Err(RecvError), format!("finds the end of {name}"));
            };
            counts.messages.fetch_sub(1, SeqCst);
            (Ok(message), format!("receives from {name}"))
        })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.counts.senders.fetch_add(1, SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.counts.receivers.fetch_add(1, SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.counts.senders.fetch_sub(1, SeqCst);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.counts.receivers.fetch_sub(1, SeqCst);
    }
}

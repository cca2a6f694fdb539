//! A typed pipe.
//!
//! The [`Sender`] sends values and the [`Receiver`] receives them in the same order. Each end has one owner: passing it
//! to a child moves it there. So the receiver sees the end of the stream as soon as the process that owns the sender
//! drops it or ends, and a sender whose receiver has gone gets an error. A [queue](mod@crate::queue) may have many
//! senders and many receivers. In Python the parent keeps a copy of both ends, and if it forgets a `close()`, the
//! reader waits for ever.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::descriptors::{Descriptor, Kind, Passed};

/// Each value is preceded by the length of its bytes.
const HEAD: usize = size_of::<u64>();
/// How much is read at a time: as much as a pipe holds.
const CHUNK: usize = 64 << 10;
/// A page. A message is copied once more if it is put together with its length before it is sent, or if it is read together with
/// the length. For up to this number of bytes the copy costs less than a second system call.
const LITTLE: usize = 4 << 10;

/// The end of a pipe that sends values.
#[derive(Debug)]
pub struct Sender<T: ?Sized> {
    pipe: PipeWriter,
    /// The last message. Its memory is used again for the next.
    message: Vec<u8>,
    sends: PhantomData<fn(&T)>,
}

/// The end of a pipe that receives values. As an iterator it yields the values until the end of the stream.
#[derive(Debug)]
pub struct Receiver<T: ?Sized> {
    pipe: PipeReader,
    /// What has been read from the pipe.
    read: Vec<u8>,
    /// How many of these bytes belong to messages that have been received.
    taken: usize,
    receives: PhantomData<fn(&T)>,
}

/// A pipe for values of type `T`. If `T` is `[u8]`, it is for [bytes](Sender::send_bytes).
///
/// # Errors
/// The system gave no pipe.
pub fn pipe<T: ?Sized>() -> io::Result<(Sender<T>, Receiver<T>)> {
    let (reader, writer) = io::pipe()?;
    Ok((Sender::new(writer), Receiver::new(reader, Vec::new())))
}

impl<T: ?Sized> Sender<T> {
    fn new(pipe: PipeWriter) -> Self {
        Self { pipe, message: Vec::new(), sends: PhantomData }
    }
}

impl<T: Serialize> Sender<T> {
    /// Sends a value of any size; blocks while the pipe is full.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the receiver has gone; or the value cannot be serialized.
    pub fn send(&mut self, value: &T) -> io::Result<()> {
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        message.extend([0; HEAD]);
        let mut message = postcard::to_extend(value, message).map_err(io::Error::other)?;
        let length = (message.len() - HEAD) as u64;
        message[..HEAD].copy_from_slice(&length.to_le_bytes());
        self.message = message;
        self.pipe.write_all(&self.message).map_err(explained)
    }
}

impl Sender<[u8]> {
    /// Sends any number of bytes as one message; blocks while the pipe is full. A long message is not copied here.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let head = (bytes.len() as u64).to_le_bytes();
        if bytes.len() <= LITTLE - HEAD {
            self.message.clear();
            self.message.extend(head);
            self.message.extend(bytes);
            return self.pipe.write_all(&self.message).map_err(explained);
        }
        // With one call for both (`writev`) each page of the pipe would be filled from two pages here, which takes twice as long.
        self.pipe.write_all(&head).and_then(|()| self.pipe.write_all(bytes)).map_err(explained)
    }
}

fn explained(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), "the receiver of the pipe has gone"),
        _ => error,
    }
}

impl<T: ?Sized> Receiver<T> {
    fn new(pipe: PipeReader, read: Vec<u8>) -> Self {
        Self { pipe, read, taken: 0, receives: PhantomData }
    }

    /// What has been read from the pipe and not received yet.
    fn ahead(&self) -> &[u8] {
        &self.read[self.taken..]
    }

    /// Whether a value, or a part of a value, has been read from the pipe and not received yet.
    #[must_use]
    pub fn has_read_ahead(&self) -> bool {
        !self.ahead().is_empty()
    }

    /// Reads until at least `bytes` bytes are ahead, up to `chunk` at a time. `false` if the stream ended before.
    fn fill(&mut self, bytes: usize, chunk: usize) -> io::Result<bool> {
        if self.ahead().len() >= bytes {
            return Ok(true);
        }
        self.read.drain(..self.taken);
        self.taken = 0;
        // The other process sent the length. If there is not so much memory, this must return an error, not abort.
        self.read.try_reserve(bytes.max(chunk) - self.read.len())?;
        while self.read.len() < bytes {
            if retry_on_intr(|| rustix::io::read(&self.pipe, spare_capacity(&mut self.read)))? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<T: ?Sized> Receiver<T> {
    /// Reads the length of the next message; `None` at the end of the stream.
    fn head(&mut self, chunk: usize) -> io::Result<Option<usize>> {
        if !self.fill(HEAD, chunk)? {
            return if self.ahead().is_empty() { Ok(None) } else { Err(cut()) };
        }
        let mut length = [0; HEAD];
        length.copy_from_slice(&self.ahead()[..HEAD]);
        usize::try_from(u64::from_le_bytes(length)).map(Some).map_err(io::Error::other)
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the sender of the pipe ended within a message")
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Receives the next value; blocks while the pipe is empty. `None` at the end of the stream, when the sender has gone.
    ///
    /// # Errors
    /// The sender died within a message, or the message is not a `T`.
    pub fn recv(&mut self) -> io::Result<Option<T>> {
        let Some(length) = self.head(CHUNK)? else { return Ok(None) };
        let whole = length.checked_add(HEAD).ok_or_else(|| io::Error::other("a message of impossible length"))?;
        if !self.fill(whole, CHUNK)? {
            return Err(cut());
        }
        let value = postcard::from_bytes(&self.ahead()[HEAD..whole]).map_err(io::Error::other);
        // A message that is not a `T` is skipped.
        self.taken += whole;
        value.map(Some)
    }
}

impl Receiver<[u8]> {
    /// Replaces the content of `bytes` by the next message; blocks while the pipe is empty. `false` at the end of the stream.
    ///
    /// # Errors
    /// The sender died within a message.
    pub fn recv_bytes(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let Some(length) = self.head(LITTLE)? else { return Ok(false) };
        self.taken += HEAD;
        // The other process sent the length. If there is not so much memory, this must return an error, not abort.
        bytes.try_reserve(length.saturating_sub(bytes.len()))?;
        // What is there will be overwritten; only what is added has to be cleared.
        bytes.resize(length, 0);
        let ahead = length.min(self.ahead().len());
        bytes[..ahead].copy_from_slice(&self.ahead()[..ahead]);
        self.taken += ahead;
        self.pipe.read_exact(&mut bytes[ahead..]).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut(),
            _ => error,
        })?;
        Ok(true)
    }
}

impl<T: DeserializeOwned> Iterator for Receiver<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv().transpose()
    }
}

/// For telling by the descriptor which pipe it is.
impl<T: ?Sized> AsFd for Sender<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// For waiting for several pipes at once. If the descriptor is readable, at least a part of a value is in the pipe. A value that has
/// been [read ahead](Receiver::has_read_ahead) is not in the pipe.
impl<T: ?Sized> AsFd for Receiver<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl<T: ?Sized> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Passed(self.pipe.as_fd(), Kind::Sender).serialize(serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(Descriptor::deserialize(deserializer)?.of(&Kind::Sender)?.into()))
    }
}

impl<T: ?Sized> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What has been read ahead is sent too: it is not in the pipe any more.
        (Passed(self.pipe.as_fd(), Kind::Receiver), self.ahead()).serialize(serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (pipe, read) = <(Descriptor, Vec<u8>)>::deserialize(deserializer)?;
        Ok(Self::new(pipe.of(&Kind::Receiver)?.into(), read))
    }
}

//! A typed pipe.
//!
//! Values go in at the [`Sender`] and come out at the [`Receiver`], in order. Each end has one owner: passing it to a
//! child moves it there. Hence the receiver meets the end of the stream as soon as the one who holds the sender drops
//! it or dies, and a sender without a receiver gets an error. In Python the parent keeps a copy of both, and a
//! forgotten `close()` is a reader that waits for ever.

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
/// As much as a pipe holds.
const CHUNK: usize = 64 << 10;
/// A page. What is put together here, or read ahead of bytes, is copied once more, which pays for little.
const LITTLE: usize = 4 << 10;

/// The end of a pipe into which values go.
#[derive(Debug)]
pub struct Sender<T: ?Sized> {
    pipe: PipeWriter,
    /// The last message, kept for its room.
    message: Vec<u8>,
    sends: PhantomData<fn(&T)>,
}

/// The end of a pipe from which values come. Iterates over them until the end of the stream.
#[derive(Debug)]
pub struct Receiver<T: ?Sized> {
    pipe: PipeReader,
    /// What has been read from the pipe.
    read: Vec<u8>,
    /// How much of that has been handed out.
    taken: usize,
    receives: PhantomData<fn(&T)>,
}

/// A pipe for values of type `T`, or for [bytes](Sender::send_bytes) if that is `[u8]`.
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
    /// Sends a value of any size; waits while the pipe is full.
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
        self.pipe.write_all(&self.message).map_err(told)
    }
}

impl Sender<[u8]> {
    /// Sends bytes of any number, many without a copy here; waits while the pipe is full.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let head = (bytes.len() as u64).to_le_bytes();
        if bytes.len() <= LITTLE - HEAD {
            self.message.clear();
            self.message.extend(head);
            self.message.extend(bytes);
            return self.pipe.write_all(&self.message).map_err(told);
        }
        // In one call (`writev`) each page of the pipe would be filled from two pages here, which takes twice as long.
        self.pipe.write_all(&head).and_then(|()| self.pipe.write_all(bytes)).map_err(told)
    }
}

fn told(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), "the receiver of the pipe has gone"),
        _ => error,
    }
}

impl<T: ?Sized> Receiver<T> {
    fn new(pipe: PipeReader, read: Vec<u8>) -> Self {
        Self { pipe, read, taken: 0, receives: PhantomData }
    }

    fn ahead(&self) -> &[u8] {
        &self.read[self.taken..]
    }

    /// Whether a value, or a part of one, is here already, and not in the pipe any more.
    #[must_use]
    pub fn has_read_ahead(&self) -> bool {
        !self.ahead().is_empty()
    }

    /// Reads until at least `bytes` are ahead, up to `chunk` at a time. Returns whether there were so many.
    fn fill(&mut self, bytes: usize, chunk: usize) -> io::Result<bool> {
        if self.ahead().len() >= bytes {
            return Ok(true);
        }
        self.read.drain(..self.taken);
        self.taken = 0;
        // The length comes from the other process: too much of it must not abort this one.
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
    /// Waits for the next value; `None` at the end of the stream.
    ///
    /// # Errors
    /// The sender died within a message, or the message is no `T`.
    pub fn recv(&mut self) -> io::Result<Option<T>> {
        let Some(length) = self.head(CHUNK)? else { return Ok(None) };
        let whole = length.checked_add(HEAD).ok_or_else(|| io::Error::other("a message of impossible length"))?;
        if !self.fill(whole, CHUNK)? {
            return Err(cut());
        }
        let value = postcard::from_bytes(&self.ahead()[HEAD..whole]).map_err(io::Error::other);
        // One that cannot be read is not met again.
        self.taken += whole;
        value.map(Some)
    }
}

impl Receiver<[u8]> {
    /// Waits for the next bytes and puts them in place of what is in `bytes`; `false` at the end of the stream.
    ///
    /// # Errors
    /// The sender died within a message.
    pub fn recv_bytes(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let Some(length) = self.head(LITTLE)? else { return Ok(false) };
        self.taken += HEAD;
        // The length comes from the other process: too much of it must not abort this one.
        bytes.try_reserve(length.saturating_sub(bytes.len()))?;
        // What is there is written over; only what is added has to be cleared.
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

/// For waiting on several. What is ready to be read is a part of a value, at least; what has been [read
/// ahead](Receiver::has_read_ahead) is not.
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
        // What has been read ahead goes along: the pipe does not have it any more.
        (Passed(self.pipe.as_fd(), Kind::Receiver), self.ahead()).serialize(serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (pipe, read) = <(Descriptor, Vec<u8>)>::deserialize(deserializer)?;
        Ok(Self::new(pipe.of(&Kind::Receiver)?.into(), read))
    }
}

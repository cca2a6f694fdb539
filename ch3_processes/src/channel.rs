//! A typed channel through shared memory: it does what a [pipe](mod@crate::pipe) does, but without a system call as long as both
//! processes are awake.
//!
//! Like a pipe it has one sender and one receiver, and after an end has been passed to a child, this process cannot use
//! the end any more. It costs two mappings and four descriptors, where a pipe costs two descriptors. A thread that
//! waits for a message keeps its core for a moment before it sleeps.

use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::presence::{Presence, Watch, presence};
use crate::machinery::ring::{Reader, Writer, ring};

/// The room for messages that have not been received, in bytes. The second cache of a core has room for it.
const RING: usize = 256 << 10;
/// Each message is preceded by the length of its bytes.
const HEAD: usize = size_of::<u64>();

/// The end that sends values.
#[derive(Debug)]
pub struct Sender<T: ?Sized> {
    ring: Writer,
    link: Link,
    /// The last message. Its memory is used again for the next.
    message: Vec<u8>,
    sends: PhantomData<fn(&T)>,
}

/// The end that receives values. As an iterator it yields the values until the end of the stream.
#[derive(Debug)]
pub struct Receiver<T: ?Sized> {
    ring: Reader,
    link: Link,
    message: Vec<u8>,
    receives: PhantomData<fn(&T)>,
}

/// Shows each end whether the other end has been dropped.
#[derive(Debug)]
struct Link {
    /// Held until this end is dropped.
    presence: Option<Presence>,
    other: Watch,
    /// A ring has one writer and one reader: after an end has been passed to another process, this process cannot use
    /// the end any more.
    passed: AtomicBool,
}

/// A channel for values of type `T`. If `T` is `[u8]`, it is for [bytes](Sender::send_bytes).
///
/// # Errors
/// The system gave no memory or no descriptors.
pub fn channel<T: ?Sized>() -> io::Result<(Sender<T>, Receiver<T>)> {
    let (writer, reader) = ring(RING)?;
    let ((sending, sender), (receiving, receiver)) = (presence()?, presence()?);
    Ok((Sender::new(writer, Link::new(sending, receiver)), Receiver::new(reader, Link::new(receiving, sender))))
}

impl Link {
    fn new(presence: Presence, other: Watch) -> Self {
        Self { presence: Some(presence), other, passed: AtomicBool::new(false) }
    }

    fn check(&self) -> io::Result<()> {
        if self.passed.load(Relaxed) { Err(io::Error::other("this end was passed to another process")) } else { Ok(()) }
    }

    fn serialize<S: Serializer>(&self, ring: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
        if self.passed.swap(true, Relaxed) {
            return Err(serde::ser::Error::custom("this end was passed to another process"));
        }
        (ring, &self.presence, &self.other).serialize(serializer)
    }

    fn deserialize<'de, R: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<(R, Self), D::Error> {
        let (ring, presence, other) = <(R, Option<Presence>, Watch)>::deserialize(deserializer)?;
        Ok((ring, Self { presence, other, passed: AtomicBool::new(false) }))
    }
}

impl<T: ?Sized> Sender<T> {
    fn new(ring: Writer, link: Link) -> Self {
        Self { ring, link, message: Vec::new(), sends: PhantomData }
    }

    /// Sends one message in two parts.
    fn send_parts(&mut self, head: &[u8], body: &[u8]) -> io::Result<()> {
        self.link.check()?;
        for mut bytes in [head, body] {
            while !bytes.is_empty() {
                let written = self.ring.write(bytes);
                bytes = &bytes[written..];
                if bytes.is_empty() {
                    break;
                }
                self.ring.publish();
                if written == 0 && !self.ring.wait_for_room(|| self.link.other.alone()) {
                    return Err(self.gone());
                }
            }
        }
        self.ring.publish();
        Ok(())
    }

    fn gone(&self) -> io::Error {
        io::Error::new(io::ErrorKind::BrokenPipe, "the receiver of the channel has gone")
    }
}

impl<T: Serialize> Sender<T> {
    /// Sends a value of any size; blocks while the channel is full.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the receiver has gone, which `send` notices at the latest when the channel is
    /// full; or the value cannot be serialized.
    pub fn send(&mut self, value: &T) -> io::Result<()> {
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        self.message = postcard::to_extend(value, message).map_err(io::Error::other)?;
        let message = std::mem::take(&mut self.message);
        let sent = self.send_parts(&(message.len() as u64).to_le_bytes(), &message);
        self.message = message;
        sent
    }
}

impl Sender<[u8]> {
    /// Sends any number of bytes as one message; blocks while the channel is full.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_parts(&(bytes.len() as u64).to_le_bytes(), bytes)
    }
}

impl<T: ?Sized> Receiver<T> {
    fn new(ring: Reader, link: Link) -> Self {
        Self { ring, link, message: Vec::new(), receives: PhantomData }
    }

    /// Appends `length` bytes from the ring to `bytes`; `false` if the sender has gone before it wrote them.
    fn read(&mut self, bytes: &mut Vec<u8>, mut length: usize) -> bool {
        while length > 0 {
            let read = self.ring.read(bytes, length);
            length -= read;
            if read > 0 {
                self.ring.free();
            } else if !self.ring.wait_for_data(|| self.link.other.alone()) {
                return false;
            }
        }
        true
    }

    /// Replaces the content of `bytes` by the next message; `false` at the end of the stream.
    fn receive(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        self.link.check()?;
        let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the sender of the channel ended within a message");
        bytes.clear();
        if !self.read(bytes, HEAD) {
            return if bytes.is_empty() { Ok(false) } else { Err(cut()) };
        }
        let mut length = [0; HEAD];
        length.copy_from_slice(bytes);
        bytes.clear();
        let length = usize::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?;
        // The other process sent the length. If there is not so much memory, this must return an error, not abort.
        bytes.try_reserve(length)?;
        if self.read(bytes, length) { Ok(true) } else { Err(cut()) }
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Receives the next value; blocks while the channel is empty. `None` at the end of the stream, when the sender has gone.
    ///
    /// # Errors
    /// The sender died within a message, or the message is not a `T`.
    pub fn recv(&mut self) -> io::Result<Option<T>> {
        let mut message = std::mem::take(&mut self.message);
        let received = self.receive(&mut message);
        self.message = message;
        if received? { postcard::from_bytes(&self.message).map(Some).map_err(io::Error::other) } else { Ok(None) }
    }
}

impl Receiver<[u8]> {
    /// Replaces the content of `bytes` by the next message; blocks while the channel is empty. `false` at the end of the stream.
    ///
    /// # Errors
    /// The sender died within a message.
    pub fn recv_bytes(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        self.receive(bytes)
    }
}

impl<T: DeserializeOwned> Iterator for Receiver<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv().transpose()
    }
}

// A process that waits for the other end looks at once when that end is dropped. If the process of that end is killed, it looks
// within 50 ms.

impl<T: ?Sized> Drop for Sender<T> {
    fn drop(&mut self) {
        self.link.presence = None;
        self.ring.head().data.ring_all();
    }
}

impl<T: ?Sized> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.link.presence = None;
        self.ring.head().room.ring_all();
    }
}

impl<T: ?Sized> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.link.serialize(&self.ring, serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (ring, link) = Link::deserialize(deserializer)?;
        Ok(Self::new(ring, link))
    }
}

impl<T: ?Sized> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.link.serialize(&self.ring, serializer)
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (ring, link) = Link::deserialize(deserializer)?;
        Ok(Self::new(ring, link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machinery::descriptors::{Packed, pack, unpack};

    #[test]
    fn an_end_that_was_passed_cannot_be_used_here() {
        let (mut sender, receiver) = channel::<u64>().unwrap();
        let mut packed = Packed::default();
        pack(&sender, &mut packed).unwrap();
        assert_eq!(sender.send(&1).unwrap_err().to_string(), "this end was passed to another process");
        assert!(pack(&sender, &mut Packed::default()).is_err(), "a ring has one writer");
        let mut passed: Sender<u64> = unpack(&packed.bytes, packed.descriptors).unwrap();
        drop(sender);
        passed.send(&2).unwrap();
        drop(passed);
        assert_eq!(receiver.map(Result::unwrap).collect::<Vec<_>>(), [2]);
    }
}

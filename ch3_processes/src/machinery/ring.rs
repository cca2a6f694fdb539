//! Bytes from one process to another through shared memory, without system calls: a ring with one writer and one reader
//! (Lamport, 1977).
//!
//! `write` and `read` never wait: they move as many bytes as they can, and return how many these were. To wait is a
//! separate step.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::descriptors::Descriptor;
use crate::machinery::memory::{Atomic, Region};

/// How many bytes of a long message are written or read at a time, so that the writer and the reader can copy at the
/// same time.
const CHUNK: usize = 32 << 10;

/// The numbers that both sides see. Each side changes only its own cache lines.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Head {
    /// How many bytes have been written since the beginning.
    written: Line,
    /// Rings when there are bytes to read.
    pub data: Bell,
    /// How many bytes have been read since the beginning.
    read: Line,
    /// Rings when there is room.
    pub room: Bell,
}

/// Two cache lines, because processors fetch cache lines in pairs.
#[derive(Debug)]
#[repr(C, align(128))]
struct Line(AtomicU64);

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for Head {}

/// The side that writes. There is only one.
#[derive(Debug)]
pub struct Writer {
    ring: Region<Head>,
    /// How many bytes it has written, also those that it has not published.
    at: u64,
    /// How many bytes the reader had read when this side last looked.
    read: u64,
}

/// The side that reads. There is only one.
#[derive(Debug)]
pub struct Reader {
    ring: Region<Head>,
    /// How many bytes it has read, also those that it has not freed.
    at: u64,
    /// How many bytes the writer had published when this side last looked.
    written: u64,
}

/// A ring for this number of bytes, rounded up to a power of two.
pub fn ring(bytes: usize) -> io::Result<(Writer, Reader)> {
    let ring = Region::new(bytes.checked_next_power_of_two().ok_or(io::ErrorKind::OutOfMemory)?)?;
    Ok((Writer { ring: ring.clone(), at: 0, read: 0 }, Reader { ring, at: 0, written: 0 }))
}

/// The `length` bytes from position `at` on lie in two pieces of the ring. Returns where the first piece begins, and its length; the
/// second begins at 0.
fn pieces(capacity: usize, at: u64, length: usize) -> (usize, usize) {
    let start = at as usize & (capacity - 1);
    (start, length.min(capacity - start))
}

impl Writer {
    pub fn head(&self) -> &Head {
        self.ring.head()
    }

    fn room(&self) -> usize {
        self.ring.length() - (self.at - self.read) as usize
    }

    /// Waits until there is room. `false` if there is no room and `over` says that there will be none.
    pub fn wait_for_room(&mut self, over: impl FnMut() -> bool) -> bool {
        let (head, at, capacity) = (self.ring.head(), self.at, self.ring.length() as u64);
        let look = || {
            let read = head.read.0.load(Acquire);
            (at - read < capacity).then_some(read)
        };
        match head.room.wait(spins(2), None, look, over) {
            None => false,
            Some(read) => {
                self.read = read;
                true
            }
        }
    }

    /// Writes the first of these bytes: as many as there is room for, up to [`CHUNK`]. Returns how many. The reader sees them after
    /// [`publish`](Self::publish).
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.room() < bytes.len() {
            // Acquire: the reader has copied these bytes before this side overwrites them.
            self.read = self.head().read.0.load(Acquire);
        }
        let bytes = &bytes[..bytes.len().min(self.room()).min(CHUNK)];
        let (start, first) = pieces(self.ring.length(), self.at, bytes.len());
        // SAFETY: the piece lies within the ring (`pieces`). The reader does not touch it: it has freed it (`read`), and this side
        // has not published it yet. There is one writer.
        unsafe { self.ring.at(start).copy_from_nonoverlapping(bytes.as_ptr(), first) };
        let rest = &bytes[first..];
        // SAFETY: the same, for the rest at the start of the ring.
        unsafe { self.ring.at(0).copy_from_nonoverlapping(rest.as_ptr(), rest.len()) };
        self.at += bytes.len() as u64;
        bytes.len()
    }

    /// Lets the reader see what has been written, and wakes the reader if it sleeps.
    pub fn publish(&self) {
        // Release: the bytes are written before.
        self.head().written.0.store(self.at, Release);
        self.head().data.ring();
    }

    /// How many of the published bytes have not been read yet.
    pub fn unread(&self) -> usize {
        (self.head().written.0.load(Relaxed) - self.head().read.0.load(Relaxed)) as usize
    }
}

impl Reader {
    pub fn head(&self) -> &Head {
        self.ring.head()
    }

    /// How many bytes can be read. Looks again only if this side has read all bytes that it knows of.
    pub fn available(&mut self) -> usize {
        if self.written == self.at {
            // Acquire: the bytes were written before.
            self.written = self.head().written.0.load(Acquire);
        }
        (self.written - self.at) as usize
    }

    /// How many bytes can be read at this moment.
    pub fn available_now(&mut self) -> usize {
        self.written = self.head().written.0.load(Acquire);
        (self.written - self.at) as usize
    }

    /// Waits until there are bytes to read. `false` if there are none and `over` says that there will be none.
    pub fn wait_for_data(&mut self, over: impl FnMut() -> bool) -> bool {
        if self.written > self.at {
            return true;
        }
        let (head, at) = (self.ring.head(), self.at);
        let look = || {
            let written = head.written.0.load(Acquire);
            (written > at).then_some(written)
        };
        match head.data.wait(spins(2), None, look, over) {
            None => false,
            Some(written) => {
                self.written = written;
                true
            }
        }
    }

    /// Appends up to `most` bytes of the ring to `bytes`, and up to [`CHUNK`]. Returns how many. The writer gets their room after
    /// [`free`](Self::free).
    pub fn read(&mut self, bytes: &mut Vec<u8>, most: usize) -> usize {
        let length = self.available().min(most).min(CHUNK);
        bytes.reserve(length);
        let (start, first) = pieces(self.ring.length(), self.at, length);
        let to = bytes.as_mut_ptr().wrapping_add(bytes.len());
        // SAFETY: the piece lies within the ring (`pieces`), and there is room for all of it behind the bytes (`reserve`). The
        // writer does not touch it: it has published it, and this side has not freed it yet.
        unsafe { to.copy_from_nonoverlapping(self.ring.at(start), first) };
        // SAFETY: the same, for the rest at the start of the ring.
        unsafe { to.wrapping_add(first).copy_from_nonoverlapping(self.ring.at(0), length - first) };
        // SAFETY: initialized by the two copies.
        unsafe { bytes.set_len(bytes.len() + length) };
        self.at += length as u64;
        length
    }

    /// Gives the writer the room of what has been read, and wakes the writer if it sleeps.
    pub fn free(&self) {
        // Release: the bytes are copied before.
        self.head().read.0.store(self.at, Release);
        self.head().room.ring();
    }
}

// The process that receives a side continues at the place that the other side knows. A side is passed only after all that it wrote
// was published, and all that it read was freed.

impl Serialize for Writer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.ring.pass("writer").serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Writer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ring = accept(Descriptor::deserialize(deserializer)?, "writer")?;
        let (at, read) = (ring.head().written.0.load(Acquire), ring.head().read.0.load(Acquire));
        Ok(Self { ring, at, read })
    }
}

impl Serialize for Reader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.ring.pass("reader").serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ring = accept(Descriptor::deserialize(deserializer)?, "reader")?;
        let (at, written) = (ring.head().read.0.load(Acquire), ring.head().written.0.load(Acquire));
        Ok(Self { ring, at, written })
    }
}

fn accept<E: serde::de::Error>(received: Descriptor, role: &str) -> Result<Region<Head>, E> {
    let ring: Region<Head> = Region::accept(received, role)?;
    if ring.length().is_power_of_two() { Ok(ring) } else { Err(E::custom("a ring of impossible length")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn bytes_are_read_as_they_were_written() {
        let (mut writer, mut reader) = ring(60).unwrap();
        let all: Vec<u8> = (0..200_000u32).map(|i| (i * 7 % 251) as u8).collect();
        let right = all.clone();
        let other = thread::spawn(move || {
            let mut left = &all[..];
            while !left.is_empty() {
                // Pieces of all lengths, up to more than the ring holds.
                let next = left.len().min(1 + left.len() % 80);
                let written = writer.write(&left[..next]);
                writer.publish();
                left = &left[written..];
                if written == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut arrived = Vec::new();
        while arrived.len() < right.len() {
            let most = 1 + arrived.len() % 70;
            if reader.read(&mut arrived, most) == 0 {
                thread::yield_now();
            }
            reader.free();
        }
        other.join().unwrap();
        assert!(arrived == right);
    }

    #[test]
    fn only_published_bytes_are_read_and_only_freed_bytes_are_overwritten() {
        let (mut writer, mut reader) = ring(64).unwrap();
        assert_eq!(writer.write(&[1; 40]), 40);
        assert_eq!(reader.read(&mut Vec::new(), 64), 0);
        writer.publish();
        assert_eq!(writer.unread(), 40);
        let mut bytes = Vec::new();
        assert_eq!(reader.read(&mut bytes, 64), 40);
        assert_eq!(writer.write(&[2; 40]), 24);
        reader.free();
        assert_eq!(writer.write(&[2; 16]), 16);
        writer.publish();
        bytes.clear();
        while reader.read(&mut bytes, 7) > 0 {}
        assert_eq!(bytes, [2; 40]);
    }
}

//! An array in shared memory whose parts are borrowed at run time.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use bytemuck::Pod;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::descriptors::{Descriptor, Kind};
use crate::machinery::memory::Memory;

/// Each part begins on a page of its own. So the worker that first writes to a part gets memory near to its core, and two
/// workers never write to the same cache line.
const PAGE: usize = 4096;

/// An array in parts that processes share. It starts as zeros. While a writer has borrowed a part, no other writer and no reader
/// can borrow it, whichever processes they are in: [`try_write`](Self::try_write) and [`try_read`](Self::try_read) return an
/// error instead.
///
/// A clone is the same array. If a process dies, the parts that it had borrowed stay borrowed for ever, since it may have left
/// them half changed.
pub struct SharedArray<T> {
    memory: Memory,
    /// For each part: where it begins in the memory, in bytes, and its length, in items. The flags of all parts are
    /// before the first part.
    parts: Vec<(usize, usize)>,
    items: PhantomData<T>,
}

/// The flag of a part is the number of its readers, or this number if a writer has borrowed it.
const WRITER: u32 = u32::MAX;

/// A part is already borrowed.
#[derive(Debug)]
pub struct InUse {
    part: usize,
    writer: bool,
}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.writer { "a writer" } else { "readers" };
        write!(f, "part {} of the shared array is borrowed by {who}", self.part)
    }
}

impl std::error::Error for InUse {}

/// Where the parts begin, and how many bytes there are in all.
fn layout<T>(lengths: &[usize]) -> Option<(Vec<(usize, usize)>, usize)> {
    let mut end = lengths.len().checked_mul(size_of::<AtomicU32>())?;
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let start = end.checked_next_multiple_of(PAGE)?;
        end = length.checked_mul(size_of::<T>())?.checked_add(start)?;
        parts.push((start, length));
    }
    isize::try_from(end).is_ok().then_some((parts, end))
}

impl<T: Pod> SharedArray<T> {
    /// An array with parts of these lengths.
    ///
    /// # Errors
    /// The system gave no memory.
    pub fn new(lengths: &[usize]) -> io::Result<Self> {
        const { assert!(align_of::<T>() <= PAGE) };
        let (parts, bytes) = layout::<T>(lengths).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory: Memory::new(bytes)?, parts, items: PhantomData })
    }

    /// How many parts there are.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Borrows a part in order to change it. Never blocks.
    ///
    /// # Errors
    /// The part is already borrowed, in this process or in another.
    pub fn try_write(&self, part: usize) -> Result<WriteGuard<'_, T>, InUse> {
        let flag = self.flag(part);
        flag.compare_exchange(0, WRITER, Acquire, Relaxed)
            .map_err(|readers| InUse { part, writer: readers == WRITER })?;
        let (start, length) = self.parts[part];
        // SAFETY: the part lies in the mapping (`layout`), aligned, and any bytes are a `T` (`Pod`). It overlaps no other part
        // and no flag. The flag was 0 and is now the writer's: until this guard clears it, no other slice of this part exists
        // in any process, since all processes make slices through this flag. All have the same parts: the lengths travel with
        // the memory, where no other type can change them (`Kind`).
        let items = unsafe { std::slice::from_raw_parts_mut(self.memory.at(start).cast(), length) };
        Ok(WriteGuard { items, flag })
    }

    /// Borrows a part in order to read it, together with other readers. Never blocks.
    ///
    /// # Errors
    /// A writer has borrowed the part, in this process or in another.
    pub fn try_read(&self, part: usize) -> Result<ReadGuard<'_, T>, InUse> {
        let flag = self.flag(part);
        flag.fetch_update(Acquire, Relaxed, |readers| (readers < WRITER - 1).then(|| readers + 1))
            .map_err(|_| InUse { part, writer: true })?;
        let (start, length) = self.parts[part];
        // SAFETY: as in `try_write`; the flag now counts this reader, so no process gets a slice to write to until this guard
        // is dropped.
        let items = unsafe { std::slice::from_raw_parts(self.memory.at(start).cast(), length) };
        Ok(ReadGuard { items, flag })
    }

    fn flag(&self, part: usize) -> &AtomicU32 {
        assert!(part < self.parts.len(), "part {part} of {}", self.parts.len());
        let flag = self.memory.at(part * size_of::<AtomicU32>()).cast();
        // SAFETY: the flags stand at the start of the mapping, one for each part, aligned, and are nothing else.
        unsafe { AtomicU32::from_ptr(flag) }
    }
}

impl<T> Clone for SharedArray<T> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), parts: self.parts.clone(), items: PhantomData }
    }
}

impl<T> fmt::Debug for SharedArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedArray").field("parts", &self.parts.len()).finish_non_exhaustive()
    }
}

impl<T> Serialize for SharedArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lengths = self.parts.iter().map(|&(_, length)| length).collect();
        self.memory.pass(Kind::Array { item: size_of::<T>(), lengths }).serialize(serializer)
    }
}

impl<'de, T: Pod> Deserialize<'de> for SharedArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let received = Descriptor::deserialize(deserializer)?;
        // Items of another type do no harm if they have the same length: any bytes are a `T` (`Pod`).
        let lengths = match &received.kind {
            Kind::Array { item, lengths } if *item == size_of::<T>() => lengths,
            _ => return Err(received.refused()),
        };
        let (parts, bytes) = layout::<T>(lengths).ok_or_else(|| received.refused())?;
        let memory = Memory::map(received.file).map_err(D::Error::custom)?;
        if memory.length() != bytes.max(1) {
            return Err(D::Error::custom("shared memory of another size"));
        }
        Ok(Self { memory, parts, items: PhantomData })
    }
}

/// A part that is borrowed for writing, until this is dropped.
#[derive(Debug)]
pub struct WriteGuard<'array, T> {
    items: &'array mut [T],
    flag: &'array AtomicU32,
}

/// A part that is borrowed for reading, until this is dropped.
#[derive(Debug)]
pub struct ReadGuard<'array, T> {
    items: &'array [T],
    flag: &'array AtomicU32,
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.items
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.items
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.items
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        self.flag.store(0, Release);
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        self.flag.fetch_sub(1, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machinery::descriptors::{Packed, pack, unpack};
    use crate::{Barrier, Counters};
    use serde::de::DeserializeOwned;

    #[test]
    fn a_part_has_one_writer_or_many_readers() {
        let array = SharedArray::<f64>::new(&[3, 0, 5]).unwrap();
        let mut first = array.try_write(0).unwrap();
        first[2] = 1.5;
        assert!(array.try_write(0).is_err() && array.try_read(0).is_err());
        assert_eq!(array.try_write(2).unwrap().len(), 5, "other parts are free");
        assert!(array.try_read(1).unwrap().is_empty());
        drop(first);
        let readers = [array.try_read(0).unwrap(), array.try_read(0).unwrap()];
        assert_eq!(*readers[1], [0.0, 0.0, 1.5]);
        let error = array.try_write(0).unwrap_err().to_string();
        assert_eq!(error, "part 0 of the shared array is borrowed by readers");
        let [first, second] = readers;
        drop(first);
        assert!(array.try_write(0).is_err(), "the second reader has not dropped its guard");
        drop(second);
        assert!(array.try_write(0).is_ok());
    }

    #[test]
    fn parts_neither_overlap_nor_share_a_page() {
        let lengths = [1, 0, 512, 513, 7];
        let (parts, bytes) = layout::<f64>(&lengths).unwrap();
        let mut free = lengths.len() * 4;
        for (start, length) in parts {
            assert!(start >= free && start % PAGE == 0);
            free = start + length * 8;
        }
        assert_eq!(free, bytes);
        assert!(layout::<f64>(&[usize::MAX / 8]).is_none());
    }

    /// What arrives where an `O` is expected and `value` was sent. A type with its own `Serialize` can do that.
    fn sent_as<O: DeserializeOwned>(value: &impl Serialize) -> io::Result<O> {
        let mut packed = Packed::default();
        pack(value, &mut packed).unwrap();
        unpack(&packed.bytes, packed.descriptors)
    }

    #[test]
    fn memory_arrives_as_what_was_sent_or_not_at_all() {
        let array = SharedArray::<u64>::new(&[1, 8]).unwrap();
        array.try_write(1).unwrap()[7] = 3;
        let counters = Counters::new(array.memory.length() / 64).unwrap();
        assert_eq!(counters.bytes(), array.memory.length());
        let barrier = Barrier::new(2).unwrap();
        let (sender, receiver) = crate::pipe::<u8>().unwrap();

        let same: SharedArray<u64> = sent_as(&array).unwrap();
        assert_eq!((same.parts(), same.try_read(1).unwrap()[7]), (2, 3));
        assert!(sent_as::<SharedArray<i64>>(&array).is_ok() && sent_as::<Counters>(&counters).is_ok());

        assert!(sent_as::<SharedArray<u32>>(&array).is_err());
        let as_long = SharedArray::<u64>::new(&[8, 0]).unwrap();
        assert!(sent_as::<SharedArray<u32>>(&as_long).is_err(), "the last part begins at the same place");
        assert!(sent_as::<Counters>(&array).is_err() && sent_as::<SharedArray<u64>>(&counters).is_err());
        assert!(sent_as::<(Counters, u32)>(&barrier).is_err() && sent_as::<Barrier>(&(&counters, 2u32)).is_err());
        assert!(sent_as::<crate::Sender<u8>>(&array).is_err(), "a sender would write into the memory");
        assert!(sent_as::<crate::Receiver<u8>>(&(&array, "")).is_err());
        let (sender_of_channel, receiver_of_channel) = crate::channel::<u8>().unwrap();
        assert!(sent_as::<crate::channel::Receiver<u8>>(&sender_of_channel).is_err(), "a ring has one writer");
        assert!(sent_as::<crate::channel::Sender<u8>>(&receiver_of_channel).is_err(), "and one reader");
        assert!(sent_as::<Counters>(&sender).is_err() && sent_as::<crate::Sender<u8>>(&receiver).is_err());
    }

    #[test]
    fn more_than_the_machine_has_is_an_error() {
        assert!(SharedArray::<u8>::new(&[usize::MAX / 4]).is_err());
        assert!(SharedArray::<u64>::new(&[usize::MAX]).is_err());
    }
}

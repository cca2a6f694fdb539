//! Tasks that a worker takes together.

use std::collections::VecDeque;

use serde::Serialize;

/// A chunk with this number of bytes gets no more tasks: the queue must have room for several chunks.
const LARGE: usize = 1 << 20;

/// Before the tasks stand the number of the chunk and how many tasks it has.
const HEAD: usize = size_of::<u64>() + size_of::<u32>();

/// Consecutive tasks that have no result yet.
#[derive(Debug)]
pub struct Chunk {
    /// The number of the first of them.
    first: u64,
    /// Where each of them begins in the bytes.
    starts: VecDeque<usize>,
    bytes: Vec<u8>,
    /// How many workers the first task has ended.
    pub ended_workers: u32,
}

impl Chunk {
    pub fn new(first: u64) -> Self {
        Self { first, starts: VecDeque::new(), bytes: Vec::new(), ended_workers: 0 }
    }

    /// Adds the next task. After an error, which is a text, the chunk is as it was before.
    pub fn add(&mut self, task: &impl Serialize) -> Result<(), String> {
        let start = self.bytes.len();
        match postcard::to_io(task, &mut self.bytes) {
            Ok(_) => {
                self.starts.push_back(start);
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error.to_string())
            }
        }
    }

    pub fn is_large(&self) -> bool {
        self.bytes.len() >= LARGE
    }

    /// The number of the first task.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The numbers of all tasks.
    pub fn tasks(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.starts.len() as u64
    }

    /// Removes the first task, which has a result.
    pub fn remove_first(&mut self) {
        self.starts.pop_front();
        self.first += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// What is put into the queue: this chunk under this number.
    pub fn message(&self, number: u64) -> Vec<u8> {
        let start = self.starts.front().copied().unwrap_or(self.bytes.len());
        let mut message = Vec::with_capacity(HEAD + self.bytes.len() - start);
        message.extend(number.to_le_bytes());
        message.extend((self.starts.len() as u32).to_le_bytes());
        message.extend(&self.bytes[start..]);
        message
    }

    /// A chunk with the first task, and a chunk with the tasks behind it.
    pub fn split_first(mut self) -> (Self, Self) {
        let start = self.starts.pop_front().unwrap_or(self.bytes.len());
        let end = self.starts.front().copied().unwrap_or(self.bytes.len());
        let first = Self {
            first: self.first,
            starts: [0].into(),
            bytes: self.bytes[start..end].to_vec(),
            ended_workers: self.ended_workers,
        };
        (first, Self { first: self.first + 1, ended_workers: 0, ..self })
    }
}

/// The number of a chunk whose message this is.
pub fn number(message: &[u8]) -> u64 {
    message.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The number of a chunk, how many tasks it has, and their bytes.
pub fn parse(message: &[u8]) -> Option<(u64, u32, &[u8])> {
    let (number, rest) = message.split_first_chunk()?;
    let (count, tasks) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), u32::from_le_bytes(*count), tasks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_sends_only_tasks_without_a_result() {
        let mut chunk = Chunk::new(5);
        for task in ["one", "two", "three"] {
            chunk.add(&(task,)).unwrap();
        }
        assert!(chunk.add(&("begun", Refuses)).is_err(), "and the bytes that were written are removed");
        assert_eq!((chunk.tasks(), parse(&chunk.message(7)).unwrap()), (5..8, (7, 3, &b"\x03one\x03two\x05three"[..])));
        chunk.remove_first();
        let (first, rest) = chunk.split_first();
        assert_eq!((first.tasks(), parse(&first.message(8)).unwrap()), (6..7, (8, 1, &b"\x03two"[..])));
        assert_eq!((rest.tasks(), parse(&rest.message(9)).unwrap()), (7..8, (9, 1, &b"\x05three"[..])));
        let (last, none) = rest.split_first();
        assert!(!last.is_empty() && none.is_empty());
        assert_eq!(number(&last.message(3)), 3);
        assert!(parse(b"short").is_none());
    }

    struct Refuses;

    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
}

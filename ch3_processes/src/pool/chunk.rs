//! Tasks that go to a worker together.

use std::collections::VecDeque;

use serde::Serialize;

/// Larger chunks are split: a queue must have room for several.
const LARGE: usize = 1 << 20;

/// The number of the chunk and that of its tasks come before them.
pub const HEAD: usize = size_of::<u64>() + size_of::<u32>();

/// Consecutive tasks.
#[derive(Debug)]
pub struct Chunk {
    /// The number of the first task that is not done.
    first: u64,
    /// Where each task begins that is not done.
    starts: VecDeque<usize>,
    bytes: Vec<u8>,
    /// How often the first task has ended its worker.
    pub failed: u32,
}

impl Chunk {
    pub fn new(first: u64) -> Self {
        Self { first, starts: VecDeque::new(), bytes: Vec::new(), failed: 0 }
    }

    /// Adds the next task. On an error it is as before, and the error's text says why.
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

    /// The number of the first task that is not done.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The numbers of all that are not.
    pub fn tasks(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.starts.len() as u64
    }

    /// The first one is.
    pub fn done(&mut self) {
        self.starts.pop_front();
        self.first += 1;
    }

    pub fn is_done(&self) -> bool {
        self.starts.is_empty()
    }

    /// What is sent to the workers: this chunk by this number.
    pub fn message(&self, number: u64) -> Vec<u8> {
        let start = self.starts.front().copied().unwrap_or(self.bytes.len());
        let mut message = Vec::with_capacity(HEAD + self.bytes.len() - start);
        message.extend(number.to_le_bytes());
        message.extend((self.starts.len() as u32).to_le_bytes());
        message.extend(&self.bytes[start..]);
        message
    }

    /// A chunk of the first task that is not done, and one of those behind it.
    pub fn split_first(mut self) -> (Self, Self) {
        let start = self.starts.pop_front().unwrap_or(self.bytes.len());
        let end = self.starts.front().copied().unwrap_or(self.bytes.len());
        let first =
            Self { first: self.first, starts: [0].into(), bytes: self.bytes[start..end].to_vec(), failed: self.failed };
        (first, Self { first: self.first + 1, failed: 0, ..self })
    }
}

/// The number of a chunk, from its message.
pub fn number(message: &[u8]) -> u64 {
    message.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Its number, how many tasks it has, and their bytes.
pub fn parse(message: &[u8]) -> Option<(u64, u32, &[u8])> {
    let (number, rest) = message.split_first_chunk()?;
    let (count, tasks) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), u32::from_le_bytes(*count), tasks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_sent_again() {
        let mut chunk = Chunk::new(5);
        for task in ["one", "two", "three"] {
            chunk.add(&(task,)).unwrap();
        }
        assert!(chunk.add(&("begun", Refuses)).is_err(), "and nothing of it stays");
        assert_eq!((chunk.tasks(), parse(&chunk.message(7)).unwrap()), (5..8, (7, 3, &b"\x03one\x03two\x05three"[..])));
        chunk.done();
        let (first, rest) = chunk.split_first();
        assert_eq!((first.tasks(), parse(&first.message(8)).unwrap()), (6..7, (8, 1, &b"\x03two"[..])));
        assert_eq!((rest.tasks(), parse(&rest.message(9)).unwrap()), (7..8, (9, 1, &b"\x05three"[..])));
        let (last, none) = rest.split_first();
        assert!(!last.is_done() && none.is_done());
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

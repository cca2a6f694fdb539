//! The shared memory and the messages by which a pool and its workers work together.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::machinery::bell::Bell;
use crate::machinery::memory::Atomic;

/// Room for the tasks that no worker has taken yet, in bytes. It takes memory only as far as it is used.
pub const TASKS: usize = 64 << 20;

/// Room for the results of one worker that the pool has not read, in bytes.
pub const RESULTS: usize = 1 << 20;

/// What all workers of a pool share with it.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Control {
    /// Rings when the pool should read results or put more tasks into the queue.
    pub bell: Bell,
    /// An [`Awaited`].
    awaited: AtomicU32,
    /// 1 if the pool will give no more tasks.
    closed: AtomicU32,
}

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for Control {}

/// The event that a pool waits for. The worker that causes it rings the bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Awaited {
    /// The queue is empty and there are results. All tasks are in the queue or have been taken from it.
    EmptyQueue = 0,
    /// Half of the queue is free, so that more tasks can be put in.
    HalfEmptyQueue = 1,
    /// A chunk is complete.
    EachChunk = 2,
}

impl Control {
    pub fn awaited(&self) -> Awaited {
        match self.awaited.load(Relaxed) {
            0 => Awaited::EmptyQueue,
            1 => Awaited::HalfEmptyQueue,
            // No pool stores another number; if it did, the worker would ring too often, which does no harm.
            _ => Awaited::EachChunk,
        }
    }

    pub fn set_awaited(&self, awaited: Awaited) {
        self.awaited.store(awaited as u32, Relaxed);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Acquire) == 1
    }

    pub fn close(&self) {
        self.closed.store(1, Release);
    }
}

/// The number of the chunk that a worker took last; 0 for none. In cache lines of its own, which only that worker changes.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Taken(AtomicU64);

// SAFETY: an atomic integer and unused bytes.
unsafe impl Atomic for Taken {}

impl Taken {
    pub fn set(&self, chunk: u64) {
        self.0.store(chunk, Release);
    }

    pub fn chunk(&self) -> u64 {
        self.0.load(Acquire)
    }
}

/// What stands before each result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultHead {
    /// The number of the result's chunk. Its results come in the order of its tasks.
    pub chunk: u64,
    /// How many bytes follow.
    pub length: usize,
    pub kind: Option<ResultKind>,
}

/// What the bytes of a result are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResultKind {
    /// The value of the function.
    Value = 0,
    /// The text of its error.
    Failed = 1,
}

impl ResultHead {
    pub const LENGTH: usize = size_of::<u64>() + size_of::<u64>() + size_of::<u8>();

    pub fn to_bytes(chunk: u64, length: usize, kind: ResultKind) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&chunk.to_le_bytes());
        bytes[8..16].copy_from_slice(&(length as u64).to_le_bytes());
        bytes[16] = kind as u8;
        bytes
    }

    /// `kind` is `None` for a byte that no worker sends.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let kind = [ResultKind::Value, ResultKind::Failed].into_iter().find(|&kind| kind as u8 == bytes[16]);
        Self { chunk: word(0), length: word(8) as usize, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for kind in [ResultKind::Value, ResultKind::Failed] {
            let read = ResultHead::from_bytes(&ResultHead::to_bytes(1 << 40, 300, kind));
            assert_eq!(read, ResultHead { chunk: 1 << 40, length: 300, kind: Some(kind) });
        }
        assert_eq!(ResultHead::from_bytes(&[2; ResultHead::LENGTH]).kind, None);
    }

    #[test]
    fn the_control_says_what_was_stored() {
        let control = Control { bell: Bell::default(), awaited: AtomicU32::new(0), closed: AtomicU32::new(0) };
        for awaited in [Awaited::HalfEmptyQueue, Awaited::EachChunk, Awaited::EmptyQueue] {
            control.set_awaited(awaited);
            assert_eq!(control.awaited(), awaited);
        }
        assert!(!control.is_closed());
        control.close();
        assert!(control.is_closed());
    }
}

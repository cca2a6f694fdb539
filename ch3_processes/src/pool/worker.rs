//! The worker's side of a pool.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use course::lanes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{RESULTS, chunk};
use crate::machinery::bell::Bell;
use crate::machinery::memory::{Atomic, SharedAtomics};
use crate::machinery::ring::Writer;
use crate::queue::Messages;

/// What a pool and its workers know of each other.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Board {
    /// Rings when the pool should look at the results or put more tasks into the queue.
    pub bell: Bell,
    /// What the pool waits for: one of the three below.
    pub wanted: AtomicU32,
    /// Whether there will be no more tasks.
    pub closed: AtomicU32,
}

/// The last tasks have been taken from the queue, and results have come.
pub const DRAINED: u32 = 0;
/// Half of the queue is free.
pub const ROOM: u32 = 1;
/// A chunk is done.
pub const EACH: u32 = 2;

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for Board {}

/// The number of the chunk that a worker took last. In cache lines of its own, which that worker changes.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Taken(pub AtomicU64);

// SAFETY: an atomic integer and unused bytes.
unsafe impl Atomic for Taken {}

/// All that a worker needs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Post {
    pub tasks: Messages,
    pub board: SharedAtomics<Board>,
    pub taken: SharedAtomics<Taken>,
    pub number: usize,
    pub results: Writer,
}

/// A result is preceded by the number of its chunk, its length, and whether it is a value or the text of an error.
pub const HEAD: usize = size_of::<u64>() + size_of::<u64>() + 1;
pub const VALUE: u8 = 0;
pub const FAILED: u8 = 1;

pub fn parse_head(head: &[u8; HEAD]) -> (u64, usize, u8) {
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap_or_default());
    (word(0), word(8) as usize, head[16])
}

/// Calls the function for the tasks of a pool until that is closed.
pub fn work<A: DeserializeOwned, R: Serialize>(
    mut post: Post,
    call: impl Fn(A) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    let mut result = Vec::new();
    loop {
        let taken = &post.taken[post.number].0;
        let note = |message: &[u8]| taken.store(chunk::number(message), Release);
        let closed = || post.board[0].closed.load(Acquire) == 1;
        let Some(message) = lanes::wait("tasks", || post.tasks.pop_waiting(closed, note)) else { return Ok(()) };
        let Some((number, count, mut tasks)) = chunk::parse(&message) else { continue };
        for _ in 0..count {
            let called = match postcard::take_from_bytes(tasks) {
                Ok((task, rest)) => {
                    tasks = rest;
                    call(task)
                }
                Err(error) => Err(anyhow::anyhow!("its argument cannot be read: {error}")),
            };
            result.clear();
            result.resize(HEAD, VALUE);
            let written = called.and_then(|value| Ok(postcard::to_io(&value, &mut result).map(|_| ())?));
            if let Err(error) = written {
                result.truncate(HEAD);
                result[HEAD - 1] = FAILED;
                result.extend(format!("{error:#}").as_bytes());
            }
            let length = (result.len() - HEAD) as u64;
            result[..8].copy_from_slice(&number.to_le_bytes());
            result[8..16].copy_from_slice(&length.to_le_bytes());
            send(&mut post, &result);
        }
        if wanted(&post) {
            post.board[0].bell.ring();
        }
    }
}

/// Whether the pool waits for what has just happened.
fn wanted(post: &Post) -> bool {
    match post.board[0].wanted.load(Relaxed) {
        DRAINED => post.tasks.is_empty(),
        ROOM => post.tasks.is_half_empty(),
        _ => true,
    }
}

fn send(post: &mut Post, mut result: &[u8]) {
    loop {
        let before = post.results.unread();
        let written = post.results.write(result);
        post.results.publish();
        result = &result[written..];
        if before <= RESULTS / 2 && post.results.unread() > RESULTS / 2 || written == 0 {
            post.board[0].bell.ring();
        }
        if result.is_empty() {
            return;
        }
        if written == 0 {
            // The pool ends this process if it will not read any more.
            post.results.wait_for_room(|| false);
        }
    }
}

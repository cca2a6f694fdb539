//! Producers and consumers share a buffer that holds ten items. They wait while it is full or empty.
//!
//! A condition variable lets a thread sleep until another thread has changed the data that a lock guards. `wait`
//! releases the lock, sleeps, and acquires the lock again. A wake-up says only that something changed: another thread
//! may already have taken the item. So the thread looks at the data after each wake-up, under the lock: `while`, never
//! `if`. An event or a semaphore stores the signal itself; here the data is the signal. (This file also needs
//! `ch2_threads/src/producers_and_consumers.rs`.)
//!
//! Run:       cargo run --bin condition -- --producers 2 --consumers 3 --timeline
//! Observe:   a producer waits while the buffer is full, a consumer while it is empty. If a thread prints `waits` twice
//!            without an item in between, it was woken, but the buffer was full or empty again. Every item is taken
//!            once, and all threads end.
//! Python:    the original waits under `if`. A consumer that wakes for no reason, or after another consumer took the
//!            item, pops from an empty list.
//! Exercise:  replace each `notify_all` by `notify_one` and run the program with
//!            `--producers 2 --consumers 3 --capacity 1 --items 100000 --pace 0`. It blocks: which thread was woken but
//!            could not continue, and which thread should have been woken? End the program with Ctrl-C.

use std::{collections::VecDeque, process::ExitCode};

use anyhow::ensure;
use ch2_threads::producers_and_consumers;
use course::{lanes, lesson};
use parking_lot::{Condvar, Mutex}; // Its `wait` borrows the guard; std's takes the guard and returns it.

#[derive(clap::Parser)]
struct Args {
    /// Number of items
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
    /// Number of threads that make items
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    producers: u16,
    /// Number of threads that take items; the Python script has one, and so takes twice as long
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=500))]
    consumers: u16,
    /// Number of items that the buffer can hold
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    capacity: u16,
}

/// A buffer that can be full.
pub struct Buffer {
    /// The lock guards the items: a thread holds it to look at them, to add one or to take one. It is a plain lock because
    /// `put` and `take` both change the items; a reader-writer lock pays only where most threads just read.
    items: Mutex<VecDeque<u32>>,
    capacity: usize,
    changed: Condvar,
}

impl Buffer {
    /// An empty buffer that can hold `capacity` items.
    pub fn new(capacity: usize) -> Self {
        Self { items: Mutex::new(VecDeque::new()), capacity, changed: Condvar::new() }
    }

    /// Puts an item in. Blocks while the buffer is full. Returns the number of items that the buffer holds then.
    pub fn put(&self, name: &str, item: u32) -> usize {
        let mut items = self.items.lock();
        while items.len() == self.capacity {
            println!("{name} waits: the buffer is full");
            lanes::wait("room in the buffer", || self.changed.wait(&mut items));
        }
        items.push_back(item);
        println!("{name}: item {item} in, {} held", items.len());
        // All threads, because producers and consumers wait at the same condition variable.
        self.changed.notify_all();
        items.len()
    }

    /// Takes an item out. Blocks while the buffer is empty.
    pub fn take(&self, name: &str) -> u32 {
        let mut items = self.items.lock();
        while items.is_empty() {
            println!("{name} waits: the buffer is empty");
            lanes::wait("an item", || self.changed.wait(&mut items));
        }
        let item = items.pop_front().expect("the buffer is not empty, and this thread still holds the lock");
        println!("{name}: item {item} out, {} held", items.len());
        self.changed.notify_all();
        item
    }
}

/// Public, as `Buffer` is, so that `tests/schedules.rs` can name it.
pub fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let buffer = Buffer::new(args.capacity.into());
        let put = |name: &str, item| {
            assert!(buffer.put(name, item) <= args.capacity.into(), "the buffer holds more than its capacity");
            lanes::sleep("work: makes an item", lesson.pause(0.5));
        };
        let take = |name: &str| {
            let item = buffer.take(name);
            lanes::sleep("work: uses an item", lesson.pause(2.0));
            item
        };
        let mut taken = producers_and_consumers::run(args.items, args.producers, args.consumers, put, take);
        taken.sort_unstable();
        ensure!(taken.iter().copied().eq(0..args.items), "every item must be taken once: {taken:?}");
        Ok(())
    })
}

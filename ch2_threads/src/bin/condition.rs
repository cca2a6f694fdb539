//! Producers and consumers share a buffer that holds ten items, and wait while it is full or empty.
//!
//! A condition variable lets a thread sleep until another has changed what a lock guards: `wait` releases the lock, sleeps, and
//! takes it again. That it woke says only that something changed. Whether it is what the thread waits for must be looked at
//! under the lock, each time: `while`, never `if`. An event or a semaphore keeps the signal itself; here the data is the signal.
//!
//! Run:       cargo run --bin condition -- --producers 2 --consumers 3 --timeline
//! Observe:   producers wait while the buffer is full, consumers while it is empty; every item is taken once, and all end.
//! Python:    it waits under `if`: a consumer whose wake-up was spurious, or stolen by another, pops from an empty list.
//! Exercise:  replace every `notify_all` by `notify_one` and run it with `--producers 2 --consumers 3 --capacity 1 --pace 0`.
//!            Who can be woken by mistake, and who then sleeps for ever? End it with Ctrl-C.

use std::{collections::VecDeque, process::ExitCode, thread, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::{Condvar, Mutex}; // Its `wait` borrows the guard where std's takes it away and gives it back.

#[derive(clap::Parser)]
struct Args {
    /// Items in all
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
    /// Threads that make items
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    producers: u16,
    /// Threads that take them; the Python script has one and takes twice as long
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=500))]
    consumers: u16,
    /// Items that the buffer holds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    capacity: u16,
}

/// A buffer that may be full.
pub struct Buffer {
    items: Mutex<VecDeque<u32>>,
    capacity: usize,
    changed: Condvar,
}

impl Buffer {
    /// An empty buffer for so many items.
    pub fn new(capacity: usize) -> Self {
        Self { items: Mutex::new(VecDeque::new()), capacity, changed: Condvar::new() }
    }

    /// Puts an item in; waits while the buffer is full. Returns how many it holds now.
    pub fn put(&self, item: u32) -> usize {
        let mut items = self.items.lock();
        while items.len() == self.capacity {
            lanes::wait("room in the buffer", || self.changed.wait(&mut items));
        }
        items.push_back(item);
        // All, since producers and consumers wait for the same condition variable.
        self.changed.notify_all();
        items.len()
    }

    /// Takes an item out; waits while there is none.
    pub fn take(&self) -> u32 {
        let mut items = self.items.lock();
        while items.is_empty() {
            lanes::wait("an item", || self.changed.wait(&mut items));
        }
        self.changed.notify_all();
        items.pop_front().expect("the lock is held since it was not empty")
    }
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let buffer = &Buffer::new(args.capacity.into());
        // Nobody says when the buffer has ended: each thread knows how many items it makes or takes.
        let share = |number: u16, threads: u16| (u32::from(number) - 1..args.items).step_by(threads.into());
        let mut taken: Vec<u32> = thread::scope(|scope| {
            for number in 1..=args.producers {
                scope.spawn(move || produce(number, share(number, args.producers), buffer, lesson.pause(0.5)));
            }
            let consume = |number| {
                scope.spawn(move || consume(number, share(number, args.consumers).len(), buffer, lesson.pause(2.0)))
            };
            let consumers: Vec<_> = (1..=args.consumers).map(consume).collect();
            // A consumer panics only if the program is wrong.
            consumers.into_iter().flat_map(|it| lanes::join(it)).collect()
        });
        taken.sort_unstable();
        ensure!(taken.iter().copied().eq(0..args.items), "not every item was taken once: {taken:?}");
        Ok(())
    })
}

fn produce(number: u16, items: impl Iterator<Item = u32>, buffer: &Buffer, pause: Duration) {
    let _lane = lanes::lane(format_args!("producer {number}"));
    for item in items {
        println!("producer {number}: item {item} in, {} held", buffer.put(item));
        lanes::sleep("makes an item", pause);
    }
}

fn consume(number: u16, count: usize, buffer: &Buffer, pause: Duration) -> Vec<u32> {
    let _lane = lanes::lane(format_args!("consumer {number}"));
    let take = || {
        let item = buffer.take();
        println!("consumer {number}: item {item} out");
        lanes::sleep("uses an item", pause);
        item
    };
    std::iter::repeat_with(take).take(count).collect()
}

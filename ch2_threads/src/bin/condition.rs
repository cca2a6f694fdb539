//! Producers and consumers share a buffer that holds ten items, and wait while it is full or empty.
//!
//! A condition variable lets a thread sleep until another has changed what a lock guards: `wait` releases the lock, sleeps, and
//! takes it again. That it woke says only that something changed. Whether it is what the thread waits for must be looked at
//! under the lock, each time: `while`, never `if`. An event or a semaphore keeps the signal itself; here the data is the signal.
//!
//! Run:       cargo run --bin condition -- --producers 2 --consumers 3 --timeline
//! Observe:   producers wait while the buffer is full, consumers while it is empty; every item is taken once, and all end.
//! Python:    it waits under `if`: a consumer whose wake-up was spurious, or stolen by another, pops from an empty list.
//! Exercise:  replace `notify_all` by `notify_one`. Who can be woken by mistake, and who then sleeps for ever?

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use anyhow::ensure;
use ch1_parallel::{lanes, lesson};
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

/// A buffer with an end.
pub struct Buffer {
    state: Mutex<State>,
    capacity: usize,
    changed: Condvar,
}

struct State {
    items: VecDeque<u32>,
    producers: u16,
}

impl Buffer {
    /// An empty buffer for so many items, whose end comes with the end of the last producer.
    pub fn new(capacity: usize, producers: u16) -> Self {
        Self { state: Mutex::new(State { items: VecDeque::new(), producers }), capacity, changed: Condvar::new() }
    }

    /// Puts an item in; waits while the buffer is full. Returns how many it holds now.
    pub fn put(&self, item: u32) -> usize {
        let mut state = self.state.lock();
        while state.items.len() == self.capacity {
            lanes::wait("room in the buffer", || self.changed.wait(&mut state));
        }
        state.items.push_back(item);
        // All, since producers and consumers wait for the same condition variable.
        self.changed.notify_all();
        state.items.len()
    }

    /// Takes an item out; waits while there is none. `None` when all producers are done and the buffer is empty.
    pub fn take(&self) -> Option<u32> {
        let mut state = self.state.lock();
        while state.items.is_empty() && state.producers > 0 {
            lanes::wait("an item", || self.changed.wait(&mut state));
        }
        let item = state.items.pop_front();
        self.changed.notify_all();
        item
    }

    /// One producer less.
    pub fn done(&self) {
        self.state.lock().producers -= 1;
        self.changed.notify_all();
    }
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let buffer = Buffer::new(args.capacity.into(), args.producers);
        let next = AtomicU32::new(0);
        let (buffer, next) = (&buffer, &next);

        let mut taken: Vec<u32> = thread::scope(|scope| {
            for number in 1..=args.producers {
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("producer {number}"));
                    for item in
                        std::iter::repeat_with(|| next.fetch_add(1, Relaxed)).take_while(|&item| item < args.items)
                    {
                        println!("producer {number}: item {item} in, {} held", buffer.put(item));
                        lanes::work("makes an item", || thread::sleep(lesson.pause(0.5)));
                    }
                    buffer.done();
                });
            }
            let consume = |number| {
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("consumer {number}"));
                    let mut taken = Vec::new();
                    while let Some(item) = buffer.take() {
                        println!("consumer {number}: item {item} out");
                        taken.push(item);
                        lanes::work("uses an item", || thread::sleep(lesson.pause(2.0)));
                    }
                    taken
                })
            };
            let consumers: Vec<_> = (1..=args.consumers).map(consume).collect();
            // A consumer panics only if the program is wrong.
            consumers
                .into_iter()
                .flat_map(|thread| lanes::wait("join", || thread.join()).expect("it ends well"))
                .collect()
        });

        taken.sort_unstable();
        ensure!(taken.iter().copied().eq(0..args.items), "not every item was taken once: {taken:?}");
        Ok(())
    })
}

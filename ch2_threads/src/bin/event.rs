//! A producer appends items to a list and sets an event. A consumer waits for the event and takes all items.
//!
//! An event is a flag that threads can wait for. It does not count: if it is set twice before a thread looks, only one
//! signal is left. So the consumer takes all items at each wake-up. It sees the flag set and clears it
//! while it holds the lock. A semaphore would count the items; with a condition variable the thread would look at the
//! list itself.
//!
//! Run:       cargo run --bin event -- --items 5 --timeline
//! Observe:   all items arrive in order, whether the consumer wakes for each item or once for several items. With
//!            `--pace 0` it often takes several items at once.
//! Python:    the producer calls set() and then clear(). If the consumer is busy at that moment, it never sees the
//!            flag, and at the end it waits for ever.
//! Exercise:  give `Event` a method `clear`, which sets the flag to `false`. Call it in the producer right after `set`,
//!            as the Python script does, and run the program with `--pace 0`. Which thread waits for ever? End it with
//!            Ctrl-C.

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::{Condvar, Mutex}; // Its `lock` returns the guard; std's returns a `Result`, in case a holder panicked.
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Number of items
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

/// A flag that a thread can wait for.
#[derive(Default)]
pub struct Event {
    /// The lock guards the flag, so that a thread sees and clears it in one step. An atomic could do that too, but a thread
    /// that waits at a condition variable needs a lock.
    flag: Mutex<bool>,
    was_set: Condvar,
}

impl Event {
    /// Sets the flag and wakes the thread that waits for it.
    pub fn set(&self) {
        *self.flag.lock() = true;
        self.was_set.notify_one();
    }

    /// Blocks until the flag is set, and clears it. Both happen under one lock, so that no `set` in between is lost.
    pub fn wait_and_clear(&self) {
        let mut flag = self.flag.lock();
        while !*flag {
            self.was_set.wait(&mut flag);
        }
        *flag = false;
    }
}

/// Public, as `Event` is, so that `tests/schedules.rs` can name it.
pub fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let made: Vec<u8> = lesson.rng(0).random_iter().take(args.items as usize).collect();
        let (list, event) = (Mutex::new(Vec::new()), Event::default());

        let taken = thread::scope(|scope| {
            scope.spawn(|| {
                let _lane = lanes::lane("producer");
                for &item in &made {
                    lanes::sleep("work: makes an item", lesson.pause(2.0));
                    println!("producer: item {item} appended");
                    list.lock().push(item);
                    event.set();
                }
            });
            let consumer = scope.spawn(|| {
                let _lane = lanes::lane("consumer");
                let mut taken = Vec::new();
                while taken.len() < made.len() {
                    println!("consumer: waits for the event");
                    lanes::wait("event", || event.wait_and_clear());
                    let items = std::mem::take(&mut *list.lock());
                    println!("consumer: woke and took {items:?}");
                    taken.extend(items);
                }
                taken
            });
            lanes::join(consumer)
        });

        ensure!(taken == made, "made {made:?}, taken {taken:?}");
        Ok(())
    })
}

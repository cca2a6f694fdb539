//! A producer appends items to a list and sets an event; the consumer wakes on it and takes what is there.
//!
//! An event is a flag that threads can wait for. It does not count: two `set`s before anybody looks are one. So whoever wakes
//! takes everything there is, and the flag is cleared by the one who waited, under the lock with which it saw the flag. A
//! semaphore would count the items; a condition variable would look at the list itself.
//!
//! Run:       cargo run --bin event -- --items 5 --timeline
//! Observe:   all items arrive in order, whether the consumer wakes once for each or once for several; then it ends.
//! Python:    the producer calls set() and then clear(): a set() that comes while the consumer is busy and does not wait is lost,
//!            and the consumer waits for ever at the end.
//! Exercise:  give the event a `clear`, call it in the producer after `set`, as Python does, and run it with `--pace 0` a few
//!            times. End it with Ctrl-C.

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::{Condvar, Mutex}; // Nothing to decide about poison here: std's `lock` asks for it.
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Items
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

/// A flag to wait for.
#[derive(Default)]
pub struct Event {
    flag: Mutex<bool>,
    was_set: Condvar,
}

impl Event {
    /// Sets the flag and wakes who waits for it.
    pub fn set(&self) {
        *self.flag.lock() = true;
        self.was_set.notify_one();
    }

    /// Waits until the flag is set, and clears it: in one step, so that no `set` is lost in between.
    pub fn wait_and_clear(&self) {
        let mut flag = self.flag.lock();
        while !*flag {
            self.was_set.wait(&mut flag);
        }
        *flag = false;
    }
}

/// What the two share. The list ends with the flag, so that the consumer knows when to stop.
#[derive(Default)]
struct List {
    items: Vec<u32>,
    complete: bool,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (list, event) = (Mutex::new(List::default()), Event::default());
        let made: Vec<u32> = (0..args.items).scan(lesson.rng(0), |rng, _| Some(rng.random_range(0..=256))).collect();

        let taken = thread::scope(|scope| {
            scope.spawn(|| {
                let _lane = lanes::lane("producer");
                for (number, &item) in made.iter().enumerate() {
                    lanes::sleep("makes an item", lesson.pause(2.0));
                    println!("producer: item {item} appended");
                    let mut list = list.lock();
                    list.items.push(item);
                    list.complete = number + 1 == made.len();
                    drop(list);
                    event.set();
                }
            });
            let consumer = scope.spawn(|| {
                let _lane = lanes::lane("consumer");
                let mut taken = Vec::new();
                loop {
                    lanes::wait("event", || event.wait_and_clear());
                    let List { items, complete } = std::mem::take(&mut *list.lock());
                    println!("consumer: woke and took {items:?}");
                    taken.extend(items);
                    if complete {
                        return taken;
                    }
                }
            });
            // A thread panics only if the program is wrong.
            lanes::join(consumer)
        });

        ensure!(taken == made, "made {made:?}, taken {taken:?}");
        Ok(())
    })
}

//! The methods of a box acquire a lock that their caller already holds.
//!
//! A thread that holds a reentrant lock may acquire it again. The lock is free once the thread has released it as many
//! times as it acquired it. So methods that lock can call each other. The lock excludes other threads, but not other
//! methods of the same thread. So parking_lot's `ReentrantMutex` (std has none yet) gives no mutable access: to change
//! the data, put it into a `Cell` or `RefCell`.
//!
//! Run:       cargo run --bin rlock -- --timeline
//! Observe:   the adder and the remover run at the same time. Yet each line begins with the number at the end of the
//!            line before it: while a thread is in `add` or `remove`, no other thread changes the number.
//! Exercise:  replace each `ReentrantMutex` by `Mutex`. The compiler accepts it. Which thread waits for which lock, and
//!            which thread holds that lock? End the program with Ctrl-C.

use std::cell::Cell;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::ReentrantMutex;
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Number of threads that add items; as many threads remove items
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    workers: u16,
}

/// A box that knows how many items it holds: fewer than 0 if the removers are ahead.
struct ItemBox {
    /// The lock guards the number of items. It is reentrant because `add` and `remove` call `execute`, which locks too. A plain
    /// `Mutex` is better where no method that locks calls another.
    items: ReentrantMutex<Cell<i64>>,
}

impl ItemBox {
    /// Changes the number. The lock makes reading and writing it one step.
    fn execute(&self, change: i64) {
        let items = lanes::wait("lock", || self.items.lock());
        items.set(items.get() + change);
    }

    /// Adds an item. The outer lock makes three steps one: reading the number, changing it, reading it again.
    fn add(&self, name: &str) {
        let items = lanes::wait("lock", || self.items.lock());
        let before = items.get();
        self.execute(1);
        println!("{name}: {before} + 1 = {}", items.get());
        assert_eq!(items.get(), before + 1, "another thread changed the number in between");
    }

    /// Removes an item, as `add` adds it.
    fn remove(&self, name: &str) {
        let items = lanes::wait("lock", || self.items.lock());
        let before = items.get();
        self.execute(-1);
        println!("{name}: {before} - 1 = {}", items.get());
        assert_eq!(items.get(), before - 1, "another thread changed the number in between");
    }
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (pause, mut rng) = (lesson.pause(1.0), lesson.rng(0));
        let items = &ItemBox { items: ReentrantMutex::new(Cell::new(0)) };
        let mut expected = 0;
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for number in 1..=args.workers {
                let (add, remove) = (rng.random_range(10..=20), rng.random_range(1..=10));
                println!("adder {number} adds {add} items, remover {number} removes {remove}");
                expected += add - remove;
                threads
                    .push(scope.spawn(move || repeat(&format!("adder {number}"), add, pause, |name| items.add(name))));
                let remover = move || repeat(&format!("remover {number}"), remove, pause, |name| items.remove(name));
                threads.push(scope.spawn(remover));
            }
            lanes::join_all(threads);
        });
        let left = items.items.lock().get();
        println!("{left} items are in the box");
        ensure!(left == expected, "{expected} items should be in the box, not {left}");
        Ok(())
    })
}

fn repeat(name: &str, times: i64, pause: Duration, act: impl Fn(&str)) {
    let _lane = lanes::lane(name);
    for _ in 0..times {
        act(name);
        lanes::sleep("pause", pause);
    }
}

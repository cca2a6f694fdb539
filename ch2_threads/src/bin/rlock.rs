//! A box whose methods take the lock that their caller holds already.
//!
//! A reentrant lock may be taken again by the thread that has it, and is free when it has been released as often. That lets
//! methods that lock call each other. It guards against other threads only, not against oneself: hence parking_lot's
//! `ReentrantMutex` (std has none yet) gives no mutable access, and what it guards must be a `Cell` or `RefCell`.
//!
//! Run:       cargo run --bin rlock -- --timeline
//! Observe:   adder and remover take turns; `execute` holds the lock while `add` or `remove` takes it a second time.
//! Exercise:  use a `parking_lot::Mutex` instead. Who waits for whom? (The compiler is content, and so is Python's.)

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
    /// Threads that add, and as many that remove
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    workers: u16,
}

/// Items in a box. There may be fewer than none, if the removers are ahead.
struct ItemBox {
    items: ReentrantMutex<Cell<i64>>,
}

impl ItemBox {
    /// Changes the box as a whole: nobody comes in between its reading and its writing.
    fn execute(&self, change: i64) {
        let items = lanes::wait("lock", || self.items.lock());
        items.set(items.get() + change);
    }

    fn add(&self) {
        let _twice = lanes::wait("lock", || self.items.lock());
        self.execute(1);
    }

    fn remove(&self) {
        let _twice = lanes::wait("lock", || self.items.lock());
        self.execute(-1);
    }
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (pause, mut rng) = (lesson.pause(1.0), lesson.rng(0));
        let items = ItemBox { items: ReentrantMutex::new(Cell::new(0)) };
        let mut expected = 0;
        thread::scope(|scope| {
            for number in 1..=args.workers {
                let (add, remove) = (rng.random_range(10..=20), rng.random_range(1..=10));
                println!("adder {number} adds {add} items, remover {number} removes {remove}");
                expected += add - remove;
                let items = &items;
                scope.spawn(move || repeat(&format!("adder {number}"), add, pause, || items.add()));
                scope.spawn(move || repeat(&format!("remover {number}"), remove, pause, || items.remove()));
            }
        });
        let left = items.items.lock().get();
        println!("{left} items are in the box");
        ensure!(left == expected, "{expected} items should be in the box, not {left}");
        Ok(())
    })
}

fn repeat(name: &str, times: i64, pause: Duration, act: impl Fn()) {
    let _lane = lanes::lane(name);
    for left in (0..times).rev() {
        act();
        println!("{name}: {left} to go");
        lanes::sleep("sleeps", pause);
    }
}

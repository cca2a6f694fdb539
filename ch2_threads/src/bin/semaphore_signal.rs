//! In ten rounds a consumer waits until a producer has made an item.
//!
//! A semaphore that starts with no permit is a signal: `release` says that one more item is there, `acquire` waits for it. The
//! permits count the signals: of two that come before anybody waits, both are kept. An event keeps one of them, a condition
//! variable alone none, and a lock could not be released by another thread. For tasks take `tokio::sync::Semaphore`, which
//! suspends no thread. This one is `ch1_parallel/src/semaphore.rs`: whoever copies this file needs that one too.
//!
//! Run:       cargo run --bin semaphore_signal -- --timeline
//! Observe:   the consumer gets every item, in order, and never looks for one that is not there yet.
//! Python:    `item` is a global that two threads use without a lock: only luck keeps the next item from overwriting it.
//! Exercise:  let the producer release before it makes the item. Which line of the consumer fails then?

use std::collections::VecDeque;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, ensure};
use ch1_parallel::Semaphore;
use course::{lanes, lesson};
use parking_lot::Mutex;
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Rounds: items that go from the producer to the consumer
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (items, ready) = (Mutex::new(VecDeque::new()), Semaphore::new(0));
        let made: Vec<u32> = (0..args.rounds).scan(lesson.rng(0), |rng, _| Some(rng.random_range(0..1000))).collect();

        let taken = thread::scope(|scope| {
            scope.spawn(|| {
                let _lane = lanes::lane("producer");
                for &item in &made {
                    lanes::sleep("makes an item", lesson.pause(2.0));
                    println!("producer: made item {item}");
                    items.lock().push_back(item);
                    ready.release();
                }
            });
            let consumer = scope.spawn(|| {
                let _lane = lanes::lane("consumer");
                let mut taken = Vec::new();
                for _ in 0..args.rounds {
                    // The permit is used up with the item it stands for.
                    lanes::wait("semaphore", || ready.acquire()).forget();
                    let item = items.lock().pop_front().context("a permit came without an item")?;
                    println!("consumer: took item {item}");
                    taken.push(item);
                }
                anyhow::Ok(taken)
            });
            // A thread panics only if the program is wrong.
            lanes::join(consumer)
        })?;

        ensure!(taken == made, "made {made:?}, taken {taken:?}");
        Ok(())
    })
}

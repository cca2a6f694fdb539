//! In ten rounds a consumer waits until a producer has made an item.
//!
//! A semaphore that starts with no permit is a signal: `release` says that there is one more item, and `acquire` waits
//! for it. The permits count the signals, so if two signals come before the consumer waits, both are kept. An event
//! would keep one signal, a condition variable no signal. A lock cannot be released by another thread. For asynchronous
//! tasks use `tokio::sync::Semaphore`, which does not block the thread. (This file also needs
//! `ch1_parallel/src/semaphore.rs`.)
//!
//! Run:       cargo run --bin semaphore_signal -- --timeline
//! Observe:   the consumer prints that it waits, and takes each item after the producer has made it. All items come in
//!            order.
//! Python:    `item` is a global variable without a lock. The script joins both threads in each round: only that keeps
//!            the producer from overwriting an item before the consumer has read it.
//! Exercise:  move `ready.release()` to the beginning of the producer's loop, before it makes the item. Which line of
//!            the consumer fails then, and why?

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
    /// Number of rounds; in each round one item goes from the producer to the consumer
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let made: Vec<u8> = lesson.rng(0).random_iter().take(args.rounds as usize).collect();
        let (items, ready) = (Mutex::new(VecDeque::new()), Semaphore::new(0));

        let taken = thread::scope(|scope| {
            scope.spawn(|| {
                let _lane = lanes::lane("producer");
                for &item in &made {
                    lanes::sleep("work: makes an item", lesson.pause(2.0));
                    println!("producer: made item {item}");
                    items.lock().push_back(item);
                    ready.release();
                }
            });
            let consumer = scope.spawn(|| {
                let _lane = lanes::lane("consumer");
                let mut taken = Vec::new();
                for _ in 0..args.rounds {
                    println!("consumer: waits for a permit");
                    // `forget`, because this permit stands for an item and is used up with it.
                    lanes::wait("semaphore", || ready.acquire()).forget();
                    let item = items.lock().pop_front().context("there is a permit, but no item")?;
                    println!("consumer: took item {item}");
                    taken.push(item);
                }
                anyhow::Ok(taken)
            });
            lanes::join(consumer)
        })?;

        ensure!(taken == made, "made {made:?}, taken {taken:?}");
        Ok(())
    })
}

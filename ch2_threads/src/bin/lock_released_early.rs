//! Nine threads hold one lock for a moment and sleep without it: their sleeps overlap.
//!
//! A thread should hold a lock only as long as it uses the data that the lock guards. In Rust, dropping the guard that
//! `lock` returned releases the lock, and the compiler refuses to use the data after that. `lock_held` differs in the
//! line that is marked with a star, and in what it asserts. (This file also needs `ch2_threads/src/overlap.rs`.)
//!
//! Run:       cargo run --bin lock_released_early -- --timeline
//! Observe:   each thread gets the lock within a moment, and all threads sleep at the same time. The program lasts as
//!            long as the longest sleep.
//! Exercise:  put `//` before the line that is marked with a star. Where does `all threads have had the lock` appear
//!            now, and why there?

use std::ops::Range;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch2_threads::overlap::{most_at_once, total};
use course::{lanes, lesson};
use crossbeam::sync::WaitGroup; // `wait` blocks until all clones are dropped. A `Barrier` would also block the threads.
use parking_lot::Mutex; // Its `lock` returns the guard; std's returns a `Result`, in case a holder panicked.
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Number of threads
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        // The lock guards the list of the threads that have had it, in their order.
        let turns = Mutex::new(Vec::new());
        let all_have_had_it = WaitGroup::new();

        let start = Instant::now();
        let sleeps = thread::scope(|scope| {
            let mut threads = Vec::new();
            for number in 1..=args.workers {
                let duration = lesson.pause(rng.random_range(1.0..3.0));
                let (turns, has_had_it) = (&turns, all_have_had_it.clone());
                threads.push(scope.spawn(move || work(number, duration, turns, has_had_it)));
            }
            lanes::wait("wait group", || all_have_had_it.wait());
            println!("all threads have had the lock");
            lanes::join_all(threads)
        });

        let (took, slept, at_once) = (start.elapsed(), total(&sleeps), most_at_once(&sleeps));
        println!("the threads took {took:.2?} and slept {slept:.2?}; at most {at_once} slept at the same time");
        let mut turns = turns.into_inner();
        turns.sort_unstable();
        ensure!(turns.into_iter().eq(1..=args.workers), "every thread must have one turn with the lock");
        // Nothing is asserted about `at_once`: without the lock, the scheduler decides which sleeps overlap.
        Ok(())
    })
}

/// Acquires the lock and sleeps. Returns from when to when it slept.
fn work(number: u16, duration: Duration, turns: &Mutex<Vec<u16>>, has_had_it: WaitGroup) -> Range<Instant> {
    let _lane = lanes::lane(format_args!("Thread#{number}"));
    let mut turns = lanes::wait("lock", || turns.lock());
    println!("Thread#{number} has the lock");
    turns.push(number);
    drop(has_had_it);
    drop(turns); // * The lock is released here, before the sleep.
    let began = Instant::now();
    lanes::sleep("work", duration);
    println!("Thread#{number} is over");
    began..Instant::now()
}

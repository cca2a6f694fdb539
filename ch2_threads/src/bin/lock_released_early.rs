//! Nine threads take the lock only to say that they begin, and sleep without it: they overlap.
//!
//! A lock should be held as long as what it guards needs it, and no longer. In Rust the guard returned by `lock` is the lock:
//! dropping it releases it, and what it guards cannot be touched afterwards. What matters beside `lock_held` is one line,
//! `drop(turns)`.
//!
//! Run:       cargo run --bin lock_released_early -- --timeline
//! Observe:   all threads begin at once and overlap; the run lasts as long as the longest of them.
//! Exercise:  remove `drop(turns)`. Why does the wait group then report only when nearly all is over?

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use course::{lanes, lesson};
use crossbeam::sync::WaitGroup; // std has none; its `Barrier` would hold all of them.
use parking_lot::Mutex;
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Threads
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let durations: Vec<_> = (0..args.workers).map(|_| lesson.pause(rng.random_range(1.0..10.0))).collect();
        let turns = Mutex::new(Vec::new());
        let all_have_begun = WaitGroup::new();

        let start = Instant::now();
        thread::scope(|scope| {
            for (number, &duration) in durations.iter().enumerate() {
                let (turns, begun) = (&turns, all_have_begun.clone());
                scope.spawn(move || work(number + 1, duration, turns, begun));
            }
            lanes::wait("wait group", || all_have_begun.wait());
            println!("all have had the lock after {:.4} s", start.elapsed().as_secs_f64());
        });

        let (took, sum) = (start.elapsed(), durations.iter().sum::<Duration>());
        println!(
            "{} threads took {:.2} s, and slept {:.2} s in all",
            args.workers,
            took.as_secs_f64(),
            sum.as_secs_f64()
        );
        let mut turns = turns.into_inner();
        turns.sort_unstable();
        ensure!(turns.iter().copied().eq(1..=durations.len()), "each thread has one turn with the lock: {turns:?}");
        ensure!(durations.iter().all(|&duration| took >= duration), "a thread ended too early");
        Ok(())
    })
}

fn work(number: usize, duration: Duration, turns: &Mutex<Vec<usize>>, begun: WaitGroup) {
    let _lane = lanes::lane(format_args!("Thread#{number}"));
    let mut turns = lanes::wait("lock", || turns.lock());
    println!("Thread#{number} has the lock");
    turns.push(number);
    drop(turns);
    drop(begun);
    lanes::sleep("sleeps without the lock", duration);
    println!("Thread#{number} is over");
}

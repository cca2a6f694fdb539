//! Nine threads hold one lock while they sleep: they run one after the other.
//!
//! A lock lets one thread at a time into what it guards. How long a thread holds it decides how parallel a program is: here
//! everything happens under the lock, so nine threads are as slow as one. What `lock_released_early` does better is one line,
//! `drop(turns)`.
//!
//! Run:       cargo run --bin lock_held -- --timeline
//! Observe:   each thread ends before the next begins; the run lasts as long as the sum of all.
//! Exercise:  which thread gets the lock next? Start the program several times with another --workers.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::Mutex; // std's would ask at each `lock` what to do if another thread panicked while it held it.
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
        let durations: Vec<_> = (0..args.workers).map(|_| lesson.pause(rng.random_range(1.0..3.0))).collect();
        // From when to when each thread held the lock, in the order in which they did: the lock guards this list.
        let turns = Mutex::new(Vec::new());

        let start = Instant::now();
        thread::scope(|scope| {
            for (number, &duration) in durations.iter().enumerate() {
                let turns = &turns;
                scope.spawn(move || work(number + 1, duration, turns));
            }
        });

        let sum = durations.iter().sum::<Duration>();
        let took = start.elapsed();
        println!(
            "{} threads took {:.2} s, and slept {:.2} s in all",
            args.workers,
            took.as_secs_f64(),
            sum.as_secs_f64()
        );
        let turns = turns.into_inner();
        ensure!(turns.len() == durations.len(), "{} threads had their turn", turns.len());
        ensure!(turns.windows(2).all(|two| two[0].1 <= two[1].0), "two threads held the lock at the same time");
        ensure!(took >= sum, "the threads overlapped");
        Ok(())
    })
}

fn work(number: usize, duration: Duration, turns: &Mutex<Vec<(Instant, Instant)>>) {
    let _lane = lanes::lane(format_args!("Thread#{number}"));
    let mut turns = lanes::wait("lock", || turns.lock());
    let began = Instant::now();
    println!("Thread#{number} has the lock");
    lanes::sleep("sleeps with the lock", duration);
    println!("Thread#{number} is over");
    turns.push((began, Instant::now()));
    // The lock is released here, where `turns` goes out of scope.
}

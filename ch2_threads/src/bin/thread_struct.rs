//! Nine workers, each a value with a name, a duration and a method `run`.
//!
//! In Python a worker is a class that derives from `Thread` and overrides `run`. In Rust it is a plain struct that
//! knows nothing about threads. Its `run` takes `self`, so the thread that runs a worker owns it, and returns a result
//! at the end. The same struct can run without a thread, which makes it easy to test.
//!
//! Run:       cargo run --bin thread_struct -- --timeline
//! Observe:   the workers sleep at the same time. Together they take as long as the longest sleep, not as long as the
//!            sum of all sleeps; the last line prints both times.
//! Exercise:  after the line that spawns the threads, add `println!("{}", workers[0].name);`. Why does the compiler
//!            refuse it? Which thread owns that worker then?

use std::process::{ExitCode, id};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Number of workers
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

struct Worker {
    name: String,
    duration: Duration,
}

impl Worker {
    /// Works for its duration and returns how long that was.
    fn run(self) -> Duration {
        let _lane = lanes::lane(&self.name);
        let start = Instant::now();
        println!("{} runs in process {}", self.name, id());
        lanes::sleep("work", self.duration);
        println!("{} is over after {:.2} s", self.name, self.duration.as_secs_f64());
        start.elapsed()
    }
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let mut make =
            |number| Worker { name: format!("Thread#{number}"), duration: lesson.pause(rng.random_range(1.0..=10.0)) };
        let workers: Vec<_> = (1..=args.workers).map(&mut make).collect();
        let durations: Vec<_> = workers.iter().map(|worker| worker.duration).collect();

        let start = Instant::now();
        // Collected, so that all threads are spawned before the first is joined.
        let threads: Vec<_> = workers.into_iter().map(|worker| thread::spawn(|| worker.run())).collect();
        let worked = lanes::join_all(threads);
        let took = start.elapsed();

        let sum: Duration = durations.iter().sum();
        println!("all workers are over after {took:.2?}; one after the other they would last {sum:.2?}");
        ensure!(worked.iter().zip(&durations).all(|(worked, given)| worked >= given), "a worker ended too early");
        ensure!(worked.iter().all(|worked| *worked <= took), "a worker was not joined");
        Ok(())
    })
}

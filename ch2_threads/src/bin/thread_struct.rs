//! Nine workers, each a value with a name, a duration and a `run` of its own.
//!
//! In Python one derives a class from `Thread` and overrides `run`. In Rust a worker is a plain struct that knows nothing of
//! threads: its `run` takes `self`, so a thread that runs it owns it, and hands back what is left of it in the end. The same
//! struct can be run without a thread, which makes it easy to test.
//!
//! Run:       cargo run --bin thread_struct -- --timeline
//! Observe:   all together last as long as the longest of them, not as long as their sum.
//! Exercise:  let `run` return `self`, changed. Who may read the worker while its thread runs?

use std::process::{ExitCode, id};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Workers
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
        lanes::sleep("works", self.duration);
        println!("{} is over after {:.2} s", self.name, self.duration.as_secs_f64());
        start.elapsed()
    }
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let workers: Vec<_> = (1..=args.workers)
            .map(|number| Worker {
                name: format!("Thread#{number}"),
                duration: lesson.pause(rng.random_range(1.0..=10.0)),
            })
            .collect();
        let durations: Vec<_> = workers.iter().map(|worker| worker.duration).collect();

        let start = Instant::now();
        let threads: Vec<_> = workers.into_iter().map(|worker| thread::spawn(|| worker.run())).collect();
        // A worker panics only if the program is wrong.
        let join = |thread: thread::JoinHandle<_>| lanes::join(thread);
        let worked: Vec<Duration> = threads.into_iter().map(join).collect();
        let all = start.elapsed();

        let sum: f64 = durations.iter().map(Duration::as_secs_f64).sum();
        println!("all are over after {:.2} s; one after the other they last {sum:.2} s", all.as_secs_f64());
        ensure!(worked.iter().zip(&durations).all(|(worked, given)| worked >= given), "a worker was over too early");
        ensure!(worked.iter().all(|worked| *worked <= all), "a worker was not joined");
        Ok(())
    })
}

//! Ten workers, each a process with a number, a duration and a `run` of its own.
//!
//! In Python one derives a class from `Process` and overrides `run`. In Rust a worker is a plain struct that can be sent: its
//! `start` sends it to a child process, which calls `run` with it. What `start` returns is of another type, which owns the
//! process and can be joined. So the compiler refuses to start a worker twice, or to join one that was not started.
//!
//! Run:       cargo run --bin process_struct -- --timeline
//! Observe:   every worker runs in a process of its own; all together last as long as the longest, not as long as their sum.
//! Python:    the original joins inside the loop, and a second `start` or an early `join` is an error when the program runs.
//! Exercise:  let `run` change `self.number`. Who sees the new one, and how can the parent get it?

use std::collections::HashSet;
use std::process::{ExitCode, id};
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch3_processes::{Child, Error, children, join_all, spawn};
use course::{lanes, lesson};
use rand::RngExt;
use serde::{Deserialize, Serialize};

#[derive(clap::Parser)]
struct Args {
    /// Workers
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
}

#[derive(Serialize, Deserialize)]
struct Worker {
    number: u32,
    duration: Duration,
}

/// A worker that has been started.
struct Running(Child<u32>);

impl Worker {
    /// Sends the worker to a process of its own.
    fn start(self) -> Result<Running, Error> {
        spawn(format!("worker {}", self.number), Self::run, (self,)).map(Running)
    }

    /// Works for its duration, in the child, and returns the id of the process.
    fn run(self) -> anyhow::Result<u32> {
        println!("worker {} runs in process {}", self.number, id());
        lanes::sleep("works", self.duration);
        println!("worker {} is over after {:.2} s", self.number, self.duration.as_secs_f64());
        Ok(id())
    }
}

impl Running {
    /// Waits for all of them and returns the ids of their processes.
    fn join_all(workers: Vec<Self>) -> Result<Vec<u32>, Error> {
        lanes::wait("join", || join_all(workers.into_iter().map(|worker| worker.0)))
    }
}

fn main() -> ExitCode {
    children![Worker::run];
    lesson::run!(|args: Args, lesson| {
        let mut random = lesson.rng(0);
        let mut duration = || lesson.pause(random.random_range(1.0..=10.0));
        let workers: Vec<_> = (1..=args.workers).map(|number| Worker { number, duration: duration() }).collect();
        let sum: Duration = workers.iter().map(|worker| worker.duration).sum();
        let longest = workers.iter().map(|worker| worker.duration).max().unwrap_or_default();
        println!("process {} starts the workers", id());

        let start = Instant::now();
        let running = workers.into_iter().map(Worker::start).collect::<Result<Vec<_>, _>>()?;
        let ids = Running::join_all(running)?;
        let all = start.elapsed();

        println!(
            "all are over after {:.2} s; one after the other they last {:.2} s",
            all.as_secs_f64(),
            sum.as_secs_f64()
        );
        ensure!(all >= longest, "a worker was over too early, or was not joined");
        let different: HashSet<_> = ids.iter().copied().chain([id()]).collect();
        ensure!(different.len() == ids.len() + 1, "two workers had the same process: {ids:?}");
        Ok(())
    })
}

//! Ten workers: each is a struct with a number and a duration, and its method `run` runs in a process of its own.
//!
//! In Python a custom process is a class that is derived from `Process` and overrides `run`. In Rust a worker is a
//! plain struct that can be sent: `start` sends it to a child process, which calls `run`. `start` consumes the worker
//! and returns a `Child`, which can be joined. So the compiler refuses to start a worker twice, or to join a worker
//! that was not started.
//!
//! Run:       cargo run --bin process_struct -- --timeline
//! Observe:   every worker prints a different process id. Together the workers take as long as the longest sleep, not
//!            as long as the sum of all sleeps; the last line prints both times.
//! Exercise:  let `run` take `mut self`, and let it first add 100 to `self.number`. Which process sees the new number?
//!            Change `run` so that the parent gets the new number too.

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

impl Worker {
    /// Sends the worker to a process of its own.
    fn start(self) -> Result<Child<(u32, Duration)>, Error> {
        spawn(format!("worker {}", self.number), Self::run, (self,))
    }

    /// Runs in the child. Returns the id of the process and how long the worker has worked.
    fn run(self) -> anyhow::Result<(u32, Duration)> {
        println!("worker {} runs in process {}", self.number, id());
        let start = Instant::now();
        lanes::sleep("work", self.duration);
        println!("worker {} is over after {:.2} s", self.number, self.duration.as_secs_f64());
        Ok((id(), start.elapsed()))
    }
}

fn main() -> ExitCode {
    children![Worker::run];
    lesson::run!(|args: Args, lesson| {
        let mut random = lesson.rng(0);
        let durations: Vec<_> = (0..args.workers).map(|_| lesson.pause(random.random_range(1.0..=10.0))).collect();
        let workers = (1..).zip(&durations).map(|(number, &duration)| Worker { number, duration });
        println!("process {} starts the workers", id());

        let start = Instant::now();
        let children = workers.map(Worker::start).collect::<Result<Vec<_>, _>>()?;
        let results = join_all(children)?;
        let all = start.elapsed().as_secs_f64();

        let sum = durations.iter().sum::<Duration>().as_secs_f64();
        println!("all are over after {all:.2} s; one after the other they would need {sum:.2} s");
        let ids: HashSet<_> = results.iter().map(|&(id, _)| id).chain([id()]).collect();
        ensure!(ids.len() == results.len() + 1, "two workers ran in the same process");
        let done = results.iter().zip(&durations).all(|((_, worked), duration)| worked >= duration);
        ensure!(done, "a worker did not work for its duration");
        Ok(())
    })
}

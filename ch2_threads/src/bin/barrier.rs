//! Three runners wait for each other at the finish line.
//!
//! A barrier blocks every thread that reaches it until the last thread arrives. It carries no data: it separates what
//! all threads did before it from what they do after it. With a wait group only the caller of `wait` blocks, and the
//! other threads continue. A semaphore does not wait for all threads: it counts permits.
//!
//! Run:       cargo run --bin barrier -- --timeline
//! Observe:   the runners arrive at different times. In the chart each runner waits until the last runner arrives, and
//!            then all lanes end together. The barrier tells exactly one runner that it was the last: its name is
//!            printed.
//! Exercise:  in `runner`, add `if name == "Huey" { return (name, 0, false); }` before `let is_last`. Which threads
//!            block now, and for how long? End the program with Ctrl-C.

use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::{thread, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Number of runners in the race
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runners: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let runners = usize::from(args.runners);
        let finish_line = Barrier::new(runners);
        let arrived = AtomicUsize::new(0);

        println!("START RACE!");
        let ends = thread::scope(|scope| {
            let mut race = Vec::new();
            for (number, name) in names(runners).enumerate() {
                let run = lesson.pause(lesson.rng(number as u64).random_range(2.0..4.0));
                let (arrived, finish_line) = (&arrived, &finish_line);
                race.push(scope.spawn(move || runner(name, run, arrived, finish_line)));
            }
            lanes::join_all(race)
        });
        println!("Race over!");

        let last: Vec<_> = ends.iter().filter(|(_, _, is_last)| *is_last).map(|(name, ..)| name.as_str()).collect();
        println!("the last runner was {}", last.join(" and "));
        ensure!(last.len() == 1, "a barrier tells exactly one thread that it was the last");
        ensure!(ends.iter().all(|&(_, seen, _)| seen == runners), "a runner left before all runners had arrived");
        Ok(())
    })
}

/// Runs and waits at the finish line. Returns its name, the number of runners that had arrived when it left the barrier, and
/// whether it was the last.
fn runner(name: String, run: Duration, arrived: &AtomicUsize, finish_line: &Barrier) -> (String, usize, bool) {
    let _lane = lanes::lane(&name);
    lanes::sleep("work: runs", run);
    arrived.fetch_add(1, SeqCst);
    println!("{name} reached the barrier after {:.2} s", run.as_secs_f64());
    let is_last = lanes::wait("barrier", || finish_line.wait()).is_leader();
    (name, arrived.load(SeqCst), is_last)
}

fn names(runners: usize) -> impl Iterator<Item = String> {
    let ducks = ["Huey", "Dewey", "Louie"].map(String::from);
    ducks.into_iter().chain((4..).map(|number| format!("runner {number}"))).take(runners)
}

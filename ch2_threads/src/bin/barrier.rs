//! Three runners wait for each other at the finish line.
//!
//! A barrier holds every thread that reaches it until the last one has come. It carries no data: it separates what all did
//! before from what all do after. At a wait group one waits, and the others go on; a semaphore counts permits.
//!
//! Run:       cargo run --bin barrier -- --timeline
//! Observe:   the runners arrive at different times and leave together; exactly one is told that it was the last.
//! Exercise:  let a runner turn back before the line. Who waits, and for how long?

use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::{thread, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Runners in the race
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runners: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let runners = usize::from(args.runners);
        let finish_line = Barrier::new(runners);
        let arrived = AtomicUsize::new(0);

        println!("START RACE!");
        let ends: Vec<_> = thread::scope(|scope| {
            let mut race = Vec::new();
            for (number, name) in names(runners).enumerate() {
                let run = lesson.pause(lesson.rng(number as u64).random_range(2.0..4.0));
                let (arrived, finish_line) = (&arrived, &finish_line);
                race.push(scope.spawn(move || runner(&name, run, arrived, finish_line)));
            }
            // A runner panics only if the program is wrong.
            lanes::join_all(race)
        });
        println!("Race over!");

        ensure!(ends.iter().all(|&(seen, _)| seen == runners), "a runner left before all had arrived");
        ensure!(ends.iter().filter(|(_, last)| *last).count() == 1, "a barrier tells exactly one that it was the last");
        Ok(())
    })
}

/// Runs, waits at the finish line, and returns how many had arrived when it could go on and whether it was the last.
fn runner(name: &str, run: Duration, arrived: &AtomicUsize, finish_line: &Barrier) -> (usize, bool) {
    let _lane = lanes::lane(name);
    lanes::sleep("runs", run);
    arrived.fetch_add(1, SeqCst);
    println!("{name} reached the barrier after {:.2} s", run.as_secs_f64());
    let last = lanes::wait("barrier", || finish_line.wait()).is_leader();
    (arrived.load(SeqCst), last)
}

fn names(runners: usize) -> impl Iterator<Item = String> {
    let ducks = ["Huey", "Dewey", "Louie"].map(String::from);
    ducks.into_iter().chain((4..).map(|number| format!("runner {number}"))).take(runners)
}

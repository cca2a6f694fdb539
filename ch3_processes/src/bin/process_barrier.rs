//! Two processes meet at a barrier and go on at the same instant; two others do not use it.
//!
//! A barrier holds every process that reaches it until the last has come. It carries no data: it separates what all did
//! before from what all do after. Between processes it lies in memory that they share, and waits on an address there.
//!
//! Run:       cargo run --bin process_barrier -- --workers 2 --timeline
//! Observe:   the processes with the barrier come at different times and leave together; the others leave when they come.
//! Python:    the same; but if one of the two is killed on its way, the other waits for ever, and the program with it.
//! Exercise:  let one of the two return an error before the barrier. Who ends the other, and what does the parent say?

use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::{Context, ensure};
use ch3_processes::{Barrier, children, join_all, spawn};
use course::{lanes, lesson};
use rand::RngExt;
use rustix::time::{ClockId, clock_gettime};

#[derive(clap::Parser)]
struct Args {
    /// Processes with the barrier, and as many without
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=200))]
    workers: u32,
}

/// When a process came to the place where the barrier is, and when it left it.
type Times = (Duration, Duration);

fn main() -> ExitCode {
    children![walk];
    lesson::run!(|args: Args, lesson| {
        println!("process {} starts the clock", id());
        let barrier = Barrier::new(args.workers as usize).context("a barrier")?;
        let start = now();
        let mut processes = Vec::new();
        for (with, used) in [("with", Some(barrier)), ("without", None)] {
            for number in 1..=args.workers {
                let way = lesson.pause(lesson.rng(number.into()).random_range(1.0..4.0));
                let name = format!("{with} {number}");
                processes.push(spawn(&name, walk, (name.clone(), start, way, used.clone()))?);
            }
        }
        let mut with = lanes::wait("join", || join_all(processes))?;
        let without = with.split_off(args.workers as usize);

        let (last_came, first_left) = (with.iter().map(|times| times.0).max(), with.iter().map(|times| times.1).min());
        let last_left = with.iter().map(|times| times.1).max();
        let (Some(last_came), Some(first_left), Some(last_left)) = (last_came, first_left, last_left) else {
            anyhow::bail!("nobody came");
        };
        println!("with the barrier all left within {:.3} ms", (last_left - first_left).as_secs_f64() * 1e3);
        ensure!(last_came <= first_left, "one left {:?} before the last came", last_came - first_left);
        ensure!(without.len() == with.len(), "{} came without the barrier", without.len());
        Ok(())
    })
}

fn walk(name: String, start: Duration, way: Duration, barrier: Option<Barrier>) -> anyhow::Result<Times> {
    lanes::sleep("walks", way);
    let came = now();
    if let Some(barrier) = barrier {
        lanes::wait("barrier", || barrier.wait())?;
    }
    let left = now();
    let [at, until] = [came, left].map(|time| (time - start).as_secs_f64());
    println!("{name}: came at {at:.4} s, left at {until:.4} s");
    Ok((came, left))
}

/// The machine's monotonic clock, which all processes share. An `Instant` reads the same one, but cannot be sent.
fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

//! Two processes meet at a barrier and continue at the same instant; two other processes do not use the barrier.
//!
//! A barrier blocks every process that reaches it until the last one has arrived. It carries no data: it separates what
//! all processes did before it from what they do after it. A barrier between processes lies in memory that they share.
//! In Python, if a process is killed on its way to the barrier, the other processes wait for ever; here `join_all` then
//! kills them.
//!
//! Run:       cargo run --bin process_barrier -- --workers 2 --timeline
//! Observe:   the processes with the barrier come at different times and leave together. Each process without the
//!            barrier leaves as soon as it has come.
//! Exercise:  let the process `with 1` fail before the barrier: put
//!            `anyhow::ensure!(name != "with 1", "it turned back");` before the `if`. Which process kills `with 2`, and
//!            what does the parent print?

use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::{Context, ensure};
use ch3_processes::{Barrier, children, join_all, spawn};
use course::clock::Moment;
use course::{lanes, lesson};
use rand::RngExt;
use serde::{Deserialize, Serialize};

#[derive(clap::Parser)]
struct Args {
    /// Number of processes that use the barrier; the same number of processes does not use it
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=200))]
    workers: u32,
}

#[derive(Serialize, Deserialize)]
struct Visit {
    came: Moment,
    left: Moment,
    /// Whether the barrier told the process that it was the last one to arrive.
    last: bool,
}

fn main() -> ExitCode {
    children![walk];
    lesson::run!(|args: Args, lesson| {
        println!("process {} starts the clock", id());
        let barrier = Barrier::new(args.workers as usize).context("a barrier")?;
        let start = Moment::now();
        let mut processes = Vec::new();
        for (with, used) in [("with", Some(barrier)), ("without", None)] {
            for number in 1..=args.workers {
                let way = lesson.pause(lesson.rng(number.into()).random_range(1.0..4.0));
                let name = format!("{with} {number}");
                processes.push(spawn(&name, walk, (name.clone(), start, way, used.clone()))?);
            }
        }
        let mut with = join_all(processes)?;
        let without = with.split_off(args.workers as usize);

        let last_came = with.iter().map(|visit| visit.came).max().unwrap_or_default();
        let first_left = with.iter().map(|visit| visit.left).min().unwrap_or_default();
        let last_left = with.iter().map(|visit| visit.left).max().unwrap_or_default();
        println!("with the barrier, all left within {:.3} ms", last_left.since(first_left).as_secs_f64() * 1e3);
        ensure!(last_came <= first_left, "a process left {:?} before the last one came", last_came.since(first_left));
        let told = [with, without].map(|visits| visits.iter().filter(|visit| visit.last).count());
        ensure!(told == [1, 0], "with and without the barrier, {told:?} processes were told that they were the last");
        Ok(())
    })
}

fn walk(name: String, start: Moment, way: Duration, barrier: Option<Barrier>) -> anyhow::Result<Visit> {
    lanes::sleep("work: walks", way);
    let (came, mut last) = (Moment::now(), false);
    if let Some(barrier) = barrier {
        last = lanes::wait("barrier", || barrier.wait())?;
    }
    let left = Moment::now();
    let [at, until] = [came, left].map(|moment| moment.since(start).as_secs_f64());
    println!("{name}: came at {at:.4} s, left at {until:.4} s");
    Ok(Visit { came, left, last })
}

//! Six processes call the same function, each with its own number.
//!
//! A process has its own memory: it gets its arguments as copies, and its result is copied back when it is joined.
//! `spawn` runs this program again as a child process, in which the first line of `main` calls the function. Start all
//! processes, then join all. The Python script joins inside the loop that starts the processes, so a process starts
//! only after the process before it has ended.
//!
//! Run:       cargo run --bin process_spawn -- --workers 6 --timeline
//! Observe:   process 3 prints 0, 1, 2 in this order; lines of different processes come in any order. One process
//!            prints that it was the last at the barrier: all processes met there, so all were alive at the same time.
//! Exercise:  join inside the loop: replace the `?` after `spawn(...)` by `?.join()?`, and the line with `join_all` by
//!            `let results = processes;`. Which process waits at the barrier, and for which processes? End the program
//!            with Ctrl-C.

use std::collections::HashSet;
use std::process::{ExitCode, id};

use anyhow::{Context, ensure};
use ch3_processes::{Barrier, children, join_all, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Processes
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
}

fn main() -> ExitCode {
    children![my_func];
    lesson::run!(|args: Args, _lesson| {
        println!("the parent has the id {}", id());
        let all_alive = Barrier::new(args.workers as usize).context("a barrier")?;
        let mut processes = Vec::new();
        for number in 0..args.workers {
            processes.push(spawn(format!("process {number}"), my_func, (number, all_alive.clone()))?);
        }
        let results = join_all(processes)?;

        ensure!(results.iter().map(|&(lines, ..)| lines).eq(0..args.workers), "lines and ids: {results:?}");
        let ids: HashSet<_> = results.iter().map(|&(_, id, _)| id).chain([id()]).collect();
        ensure!(ids.len() == results.len() + 1, "two numbers ran in one process: {results:?}");
        let last = results.iter().filter(|&&(.., last)| last).count();
        ensure!(last == 1, "{last} processes were the last at the barrier, so they did not all meet there");
        Ok(())
    })
}

/// Returns how many numbers it printed, the id of its process, and whether it was the last at the barrier.
fn my_func(number: u32, all_alive: Barrier) -> anyhow::Result<(u32, u32, bool)> {
    let last = lanes::wait("barrier", || all_alive.wait())?;
    println!("process {number} calls my_func with the id {}", id());
    if last {
        println!("process {number} was the last at the barrier");
    }
    for line in 0..number {
        println!("process {number}: {line}");
    }
    Ok((number, id(), last))
}

//! Six processes call the same function, each with its number.
//!
//! A process has memory of its own: it gets its arguments as copies, and what it returns comes back as a copy when it is
//! joined. `spawn` runs this program again, and there the first line of `main` calls the function. Start all, then join all: a
//! join inside the loop that starts them waits for each process before the next one begins.
//!
//! Run:       cargo run --bin process_spawn -- --workers 6 --timeline
//! Observe:   process 3 prints 0, 1, 2, in this order; lines of different processes come in any order. Every process meets all
//!            the others at a barrier, which is possible only because all of them live at the same time.
//! Python:    the original joins inside the loop: six processes, and never two at once.
//! Exercise:  join inside the loop here too. Who waits at the barrier, and for whom?

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
        let all_live = Barrier::new(args.workers as usize).context("a barrier")?;
        let mut processes = Vec::new();
        for number in 0..args.workers {
            processes.push(spawn(format!("process {number}"), my_func, (number, all_live.clone()))?);
        }
        let results = lanes::wait("join", || join_all(processes))?;

        ensure!(results.iter().map(|&(lines, _)| lines).eq(0..args.workers), "lines and ids: {results:?}");
        let ids: HashSet<_> = results.iter().map(|&(_, id)| id).chain([id()]).collect();
        ensure!(ids.len() == results.len() + 1, "two of them are one process: {results:?}");
        Ok(())
    })
}

/// Returns how many numbers it printed, and its id.
fn my_func(number: u32, all_live: Barrier) -> anyhow::Result<(u32, u32)> {
    lanes::wait("barrier", || all_live.wait())?;
    println!("process {number} calls my_func with the id {}", id());
    for line in 0..number {
        println!("process {number}: {line}");
    }
    Ok((number, id()))
}

//! Two processes work in the background while the parent continues, and the parent waits for both before it ends.
//!
//! A daemon is a process that is killed when its parent drops its `Child`; `background_daemon` shows one. Neither
//! process here is a daemon: when the parent drops the `Child`, the parent blocks until the process has ended. So the
//! process always finishes its work. `join` also waits, and returns the result or the error of the process.
//!
//! Run:       cargo run --bin background -- --items 5 --timeline
//! Observe:   the two processes work at the same time; both print that they exit before the parent prints that it ends.
//! Exercise:  replace the line that calls `join_all` by `drop((first, second));` and delete the `ensure!`.
//!            (The compiler then warns of unused imports.) Do both processes still finish their work? What does the
//!            parent no longer learn?

use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::ensure;
use ch3_processes::{Process, children, join_all, process};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// How many numbers each process prints
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

fn main() -> ExitCode {
    children![foo];
    lesson::run!(|args: Args, lesson| {
        println!("the parent is process {}", id());
        let (items, work) = (args.items, lesson.pause(1.0));
        let first = Process::new().name("first").daemon(false).spawn(foo, (0, items, work))?;
        let second = Process::new().name("second").daemon(false).spawn(foo, (items, items, work))?;
        println!("the parent has nothing more to do");

        let next = join_all([first, second])?;
        println!("both processes have ended, so the parent ends");
        ensure!(next == [items, 2 * items], "the processes stopped before the numbers {next:?}");
        Ok(())
    })
}

/// Prints `items` numbers from `first` on, and returns the number that would come next.
fn foo(first: u32, items: u32, work: Duration) -> anyhow::Result<u32> {
    let name = process::name();
    println!("{name} is starting");
    for number in first..first + items {
        println!("{name} ---> {number}");
        lanes::sleep("work", work);
    }
    println!("{name} is exiting");
    Ok(first + items)
}

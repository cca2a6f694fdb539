//! Two processes work in the background, and the parent, which has nothing more to do, waits for both.
//!
//! Neither is a daemon: whoever lets go of such a process waits for its end, so its work is done, whatever the parent does.
//! `join` waits too, and tells if the work failed. `background_daemon` is the same with a process that nobody waits for.
//!
//! Run:       cargo run --bin background -- --items 5 --timeline
//! Observe:   both processes say that they exit, and the parent is the last to end.
//! Python:    the same there, except that the parent waits when it exits, and learns nothing of a process that failed.
//! Exercise:  let go of both without a join: `drop(background)`, then `drop(foreground)`. What is still certain, and what not?

use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::ensure;
use ch3_processes::{Process, children, join_all, process};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// How many numbers each process says
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

fn main() -> ExitCode {
    children![foo];
    lesson::run!(|args: Args, lesson| {
        println!("the parent is process {}", id());
        let (items, pause) = (args.items, lesson.pause(1.0));
        let background = Process::new().name("background").daemon(false).spawn(foo, (0, items, pause))?;
        let foreground = Process::new().name("foreground").daemon(false).spawn(foo, (items, items, pause))?;
        println!("the parent has nothing more to do");

        let next = lanes::wait("join", || join_all([background, foreground]))?;
        println!("both have ended, now the parent may");
        ensure!(next == [items, 2 * items], "they stopped before {next:?}");
        Ok(())
    })
}

/// Says so many numbers, and returns the one that would come next.
fn foo(first: u32, items: u32, pause: Duration) -> anyhow::Result<u32> {
    let name = process::name();
    println!("{name} is starting");
    for number in first..first + items {
        println!("{name} ---> {number}");
        lanes::sleep("sleeps", pause);
    }
    println!("{name} is exiting");
    Ok(first + items)
}

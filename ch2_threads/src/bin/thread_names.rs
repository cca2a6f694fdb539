//! Three named threads print their names when they start and when they exit.
//!
//! A thread's name costs nothing and appears wherever the thread does: in panics, in debuggers, in `top -H`. Linux
//! keeps its first 15 bytes. A `Builder` names a thread; a scope's `spawn` does not. If the system has no thread left,
//! the `Builder` returns an error, while `spawn` panics.
//!
//! Run:       cargo run --bin thread_names -- --timeline
//! Observe:   each thread knows its own name, and each name is printed exactly twice.
//! Exercise:  give all threads the same name: replace `map(name)` by `map(|_| name(0))`. Which property still differs
//!            from thread to thread? (See `thread_ids`.)

use std::process::ExitCode;
use std::thread::{self, Builder};
use std::time::Duration;

use anyhow::{Context, ensure};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Number of threads
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let names: Vec<_> = (0..args.workers).map(name).collect();

        let printed = thread::scope(|scope| {
            let start =
                |name: &String| Builder::new().name(name.clone()).spawn_scoped(scope, || print_name(lesson.pause(2.0)));
            let threads: Vec<_> = names.iter().map(start).collect::<Result<_, _>>().context("starting a thread")?;
            anyhow::Ok(lanes::join_all(threads))
        })?;

        ensure!(printed == names, "the threads do not have the names that they were given: {printed:?}");
        Ok(())
    })
}

/// Prints the name of the current thread twice, with a pause between, and returns it.
fn print_name(pause: Duration) -> String {
    let name = thread::current().name().unwrap_or("a thread without a name").to_string();
    let _lane = lanes::lane(&name);
    println!("{name} is starting");
    lanes::sleep("pause", pause);
    println!("{name} is exiting");
    name
}

/// function_A to function_Z, then function_A1 and so on.
fn name(number: u16) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    let round = if number < 26 { String::new() } else { (number / 26).to_string() };
    format!("function_{letter}{round}")
}

//! Three named threads say who they are when they start and when they exit.
//!
//! A name costs nothing and appears wherever the thread does: in panics, in debuggers, in `top -H`. Linux keeps its first 15
//! bytes. A scope's `spawn` gives no name; a `Builder` does, and also reports an error where `spawn` panics if the system has
//! no thread left.
//!
//! Run:       cargo run --bin thread_names -- --timeline
//! Observe:   each thread knows its own name, and each name appears exactly twice.
//! Exercise:  give two threads the same name. What can still tell them apart? (`thread_ids` shows it.)

use std::process::ExitCode;
use std::thread::{self, Builder};
use std::time::Duration;

use anyhow::{Context, ensure};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Threads
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let names: Vec<_> = (0..args.workers).map(name).collect();

        let said = thread::scope(|scope| {
            let start =
                |name: &String| Builder::new().name(name.clone()).spawn_scoped(scope, || say(lesson.pause(2.0)));
            let threads: Vec<_> = names.iter().map(start).collect::<Result<_, _>>().context("starting a thread")?;
            // A thread panics only if the program is wrong.
            let said = threads.into_iter().map(|thread| lanes::join(thread));
            anyhow::Ok(said.collect::<Vec<_>>())
        })?;

        ensure!(said == names, "the threads have other names than they were given: {said:?}");
        Ok(())
    })
}

fn say(pause: Duration) -> String {
    let name = thread::current().name().unwrap_or("a thread without a name").to_string();
    let _lane = lanes::lane(&name);
    println!("{name} is starting");
    lanes::sleep("sleeps", pause);
    println!("{name} is exiting");
    name
}

/// function_A to function_Z, then function_A1 and so on.
fn name(number: u16) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    let round = if number < 26 { String::new() } else { (number / 26).to_string() };
    format!("function_{letter}{round}")
}

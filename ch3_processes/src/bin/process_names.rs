//! A process with a name of its own and one with the default name say their names when they start and when they exit.
//!
//! A name tells which process is which where many run the same program. It is the first argument of the process's program,
//! which `ps -f` shows whole. Plain `ps` and `top` show the name in the system's table, which has room for 15 bytes. A
//! process that is given no name is called `Process-1`, the next one `Process-2`.
//!
//! Run:       cargo run --bin process_names -- --timeline
//! Observe:   with `--pace 5`, `ps` in another terminal shows both names as commands, not twice `process_names`.
//! Python:    the names of the original are known inside of the program only: `ps` shows two processes called python3.
//! Exercise:  give it a name of more than 15 letters with `--name`. What do `ps` and `ps -f` show?

use std::fs;
use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::{Context, ensure};
use ch3_processes::{Process, children, join_all, process};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// The name of the first process
    #[arg(long, default_value = "my_func process", value_parser = name)]
    name: String,
}

fn name(text: &str) -> Result<String, &'static str> {
    match text.chars().any(char::is_control) || text.is_empty() {
        true => Err("a name has letters, and nothing that cannot be printed"),
        false => Ok(text.into()),
    }
}

fn main() -> ExitCode {
    children![my_func];
    lesson::run!(|args: Args, lesson| {
        println!("the parent is process {}", id());
        let pause = lesson.pause(3.0);
        let with_name = Process::new().name(args.name).spawn(my_func, (pause,))?;
        let with_default_name = Process::new().spawn(my_func, (pause,))?;

        let given = [with_name.name().to_string(), with_default_name.name().to_string()];
        let said = lanes::wait("join", || join_all([with_name, with_default_name]))?;
        ensure!(said == given, "they were named {given:?} and say {said:?}");
        Ok(())
    })
}

fn my_func(pause: Duration) -> anyhow::Result<String> {
    let name = process::name();
    println!("{name} is starting as process {}", id());
    lanes::sleep("sleeps", pause);
    println!("{name} is exiting");

    // Bytes, since the system may cut a letter in two.
    let shown = fs::read("/proc/self/comm").context("its name in the system")?;
    let room = name.len().min(15);
    ensure!(shown == [&name.as_bytes()[..room], b"\n"].concat(), "`ps` does not call it {name}");
    Ok(name)
}

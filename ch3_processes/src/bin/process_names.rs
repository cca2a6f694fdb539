//! A process with a given name and a process with the default name print their names at their start and at their end.
//!
//! A name distinguishes processes that run the same program. It is the process's `argv[0]`, and
//! `ps -ef` shows all of it. `ps -e` and `top` show the name from a table of the system, which has room for 15 bytes. A
//! process that is given no name is called `Process-1`, the next one `Process-2`. In Python only the program itself
//! knows such names: `ps` shows two processes called python3.
//!
//! Run:       cargo run --bin process_names -- --timeline
//! Observe:   each process prints the name that it was given and the name that `ps -e` shows.
//! Exercise:  run it with `--pace 10 --name "a name of more than fifteen letters"`. What do `ps -e` and `ps -ef` show
//!            in another terminal, and which of the two commands helps to find the process?

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
        true => Err("a name has at least one character, and only characters that can be printed"),
        false => Ok(text.into()),
    }
}

fn main() -> ExitCode {
    children![my_func];
    lesson::run!(|args: Args, lesson| {
        println!("the parent is process {}", id());
        let pause = lesson.pause(3.0);
        let with_name = Process::new().name(&args.name).spawn(my_func, (pause,))?;
        let with_default_name = Process::new().spawn(my_func, (pause,))?;

        let names = join_all([with_name, with_default_name])?;
        ensure!(names == [args.name.as_str(), "Process-1"], "the processes are called {names:?}");
        Ok(())
    })
}

fn my_func(pause: Duration) -> anyhow::Result<String> {
    let name = process::name();
    println!("{name} is starting as process {}", id());
    // Bytes, because the system may cut a letter in two.
    let shown = fs::read("/proc/self/comm").context("the name that ps shows")?;
    println!("{name} is called \"{}\" by ps", String::from_utf8_lossy(&shown).trim_end_matches('\n'));
    let room = name.len().min(15);
    ensure!(shown == [&name.as_bytes()[..room], b"\n"].concat(), "ps does not call this process {name}");

    lanes::sleep("pause", pause);
    println!("{name} is exiting");
    Ok(name)
}

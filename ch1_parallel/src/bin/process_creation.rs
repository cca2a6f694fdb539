//! One child process squares a number, another cubes it; the parent waits for both and looks at how they ended.
//!
//! A process is a program that runs, with memory of its own. A parent learns two things of a child without any further means:
//! that it has ended, and its exit status. Who does not wait for a child leaves it in the system's table as a zombie; who does
//! not look at its status takes a crash for success.
//!
//! Run:       cargo run --bin process_creation -- --timeline
//! Observe:   the children print in any order, and each has a process id of its own.
//! Python:    the original joins its children and ignores their exit codes: a child that failed looks like one that worked.
//! Exercise:  let the child that cubes call `std::process::exit(3)`. Who says what, and what is the parent's own status?

use std::process::{Child, Command, ExitCode, id};

use anyhow::{Context, ensure};
use course::lanes;
use course::lesson::{self, Lesson};

#[derive(clap::Parser)]
struct Args {
    /// The number
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    number: u64,
    /// Does only this task: what the parent tells a child
    #[arg(long)]
    task: Option<Task>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Task {
    Square,
    Cube,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        if let Some(task) = args.task {
            work(task, args.number);
            return Ok(());
        }
        println!("the parent is process {}", id());
        let children = [start("square", args.number, lesson)?, start("cube", args.number, lesson)?];
        for (name, mut child) in children {
            let status = lanes::wait(name, || child.wait())?;
            println!("{name}, process {}, ended with {status}", child.id());
            ensure!(status.success(), "{name}: the child ended with {status}");
        }
        Ok(())
    })
}

/// Starts this program once more and tells it what to do.
fn start(task: &'static str, number: u64, lesson: &Lesson) -> anyhow::Result<(&'static str, Child)> {
    let mut again = Command::new(std::env::current_exe()?);
    lesson.adopt(&mut again, task);
    let child = again.args(["--task", task, "--number", &number.to_string()]).spawn();
    Ok((task, child.with_context(|| format!("starting the child {task}"))?))
}

fn work(task: Task, number: u64) {
    match task {
        Task::Square => println!("the square of {number} is {} (process {})", number.pow(2), id()),
        Task::Cube => println!("the cube of {number} is {} (process {})", number.pow(3), id()),
    }
}

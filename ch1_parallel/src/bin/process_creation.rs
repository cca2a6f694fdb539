//! One child process squares a number, another cubes it. The parent waits for both and checks how they ended.
//!
//! A process is a running program with its own memory. The system tells a parent that a child has ended, and with which
//! exit status. A child that the parent does not wait for stays in the system's process table as a zombie. A parent
//! that does not check the exit status takes a failure for a success.
//!
//! Run:       cargo run --bin process_creation -- --timeline
//! Observe:   the children print in any order, and each has its own process id. With `--fail square` the parent reports
//!            the child that failed, and the parent's own status is 1.
//! Python:    the original joins its children and ignores their exit codes: a child that failed looks like one that
//!            succeeded.
//! Exercise:  run `cargo run --bin process_creation -- --fail square; echo $?`, which prints the parent's exit status
//!            last. Then delete the line with `ensure!` and run it again. What does a script that runs this program now
//!            believe?

use std::process::{Child, Command, ExitCode, id};

use anyhow::{Context, ensure};
use course::lanes;
use course::lesson::{self, Lesson};

const TASKS: [&str; 2] = ["square", "cube"];

#[derive(clap::Parser)]
struct Args {
    /// The number
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    number: u64,
    /// Task of the child that is to fail
    #[arg(long, value_name = "TASK", value_parser = TASKS)]
    fail: Option<String>,
    /// Does only this task: the parent starts its children with this flag
    #[arg(long, value_parser = TASKS)]
    task: Option<String>,
}

fn main() -> ExitCode {
    let mut failed = false;
    let status = lesson::run!(|args: Args, lesson| {
        if let Some(task) = &args.task {
            failed = args.fail == args.task;
            if !failed {
                work(task, args.number);
            }
            return Ok(());
        }
        println!("the parent is process {}", id());
        let mut children = Vec::new();
        for task in TASKS {
            let child = start(task, &args, lesson)?;
            println!("the parent started {task} as process {}", child.id());
            children.push((task, child));
        }
        // The parent waits for every child before it reports that one has failed, so that no child is left.
        let mut ended = Vec::new();
        for (task, mut child) in children {
            let status = lanes::wait(task, || child.wait()).with_context(|| format!("waiting for the child {task}"))?;
            println!("{task}, process {}, ended with {status}", child.id());
            ended.push((task, status));
        }
        for (task, status) in ended {
            ensure!(status.success(), "{task}: the child ended with {status}");
        }
        Ok(())
    });
    // A process ends with the status that `main` returns.
    if failed { ExitCode::from(3) } else { status }
}

/// Starts this program once more, with the flag that tells it to do only one task.
fn start(task: &str, args: &Args, lesson: &Lesson) -> anyhow::Result<Child> {
    let mut again = Command::new(std::env::current_exe().context("the path of this program")?);
    lesson.adopt(&mut again, task);
    again.args([format!("--task={task}"), format!("--number={}", args.number)]);
    again.args(args.fail.as_ref().map(|task| format!("--fail={task}")));
    again.spawn().with_context(|| format!("starting the child {task}"))
}

fn work(task: &str, number: u64) {
    let power = if task == "square" { 2 } else { 3 };
    println!("the {task} of {number} is {} (process {})", number.pow(power), id());
}

//! A parent reads the output of a child to its end. The parent itself still has the writing end, so the end never comes.
//!
//! The reader of a pipe is told that the stream has ended when no process has the writing end open: it is not enough that
//! the child closes its copy. Here the `Command` in the parent has a copy, because it could start a second child. The
//! child has written all and has ended, and the parent waits for ever. The repair drops the `Command`. The library of
//! this chapter has no such copy: an end of a pipe that is passed to a child moves there.
//!
//! Run:       cargo run --bin kept_writer
//!            cargo run --bin kept_writer -- --repaired
//! Observe:   the report says that the writing end is open only in the process that waits, and where the pipe was made.
//! Exercise:  replace `stdout(writer)` by `stdout(writer.try_clone()?)`, and run the repaired program. Which process has
//!            the writing end open now? Add the line that lets the program end.

use std::io::{self, Read};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// The parent keeps no writing end
    #[arg(long)]
    repaired: bool,
    /// How many numbers the child writes
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    items: u32,
}

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let (mut output, writer) = lanes::pipe(io::pipe).context("a pipe")?;
        let mut command = Command::new("seq");
        let mut child = command.arg(args.items.to_string()).stdout(writer).spawn().context("seq")?;
        // The hazard: the command lives on, and so does its copy of the writing end. The repair: the command is dropped.
        let _kept = (!args.repaired).then_some(command);

        let mut text = String::new();
        lanes::read_from("the output of seq", &mut output, |output| output.read_to_string(&mut text))?;
        let status = lanes::end_of("seq", child.id(), || child.wait())?;
        ensure!(status.success(), "seq: {status}");
        let numbers: Vec<u32> = text.lines().map(str::parse).collect::<Result<_, _>>()?;
        println!("the child has written {} numbers, and then the end of the stream came", numbers.len());
        ensure!(numbers.into_iter().eq(1..=args.items), "the child has written {text:?}");
        Ok(())
    })
}

//! A process sends numbers down a pipe, another squares them into a second pipe, and the parent prints what comes out.
//!
//! A pipe connects two processes that share no memory: what goes in at one end comes out at the other, once and in
//! order. The reader waits while the pipe is empty, and meets the end of the stream when nobody holds the writing end
//! any more: hence passing an end to a child moves it there. (In Python the parent keeps a copy, and whoever forgets to
//! close it waits for ever.)
//!
//! Run:       cargo run --bin pipe -- --items 10 --timeline
//! Observe:   three processes run at once, and no line says that the numbers have ended: each loop ends by itself.
//! Exercise:  let `square` return after three numbers. Which process is told so, and by what?

use std::process::ExitCode;

use anyhow::{Context, ensure};
use ch3_processes::{Receiver, Sender, children, join_all, pipe, spawn};
use course::{lanes, lesson};

/// A pipeline of three processes
#[derive(clap::Parser)]
struct Args {
    /// How many numbers go through the pipes
    #[arg(long, default_value_t = 10, value_name = "N")]
    items: u32,
}

fn main() -> ExitCode {
    children![generate, square];
    lesson::run!(|args: Args, _lesson| {
        let (numbers_in, numbers_out) = pipe().context("a pipe")?;
        let (squares_in, mut squares_out) = pipe().context("a pipe")?;
        let generator = spawn("generate", generate, (args.items, numbers_in))?;
        let squarer = spawn("square", square, (numbers_out, squares_in))?;

        let mut received = 0;
        while let Some(value) = lanes::wait("squares", || squares_out.recv())? {
            println!("{value}");
            ensure!(value == received * received, "the square of {received} comes next, not {value}");
            received += 1;
        }
        join_all([generator, squarer])?;
        ensure!(received == u64::from(args.items), "{received} squares came of {}", args.items);
        Ok(())
    })
}

fn generate(items: u32, mut numbers: Sender<u64>) -> anyhow::Result<()> {
    for number in 0..u64::from(items) {
        numbers.send(&number)?;
    }
    Ok(()) // `numbers` is dropped here, which ends the stream.
}

fn square(mut numbers: Receiver<u64>, mut squares: Sender<u64>) -> anyhow::Result<()> {
    while let Some(number) = lanes::wait("numbers", || numbers.recv())? {
        squares.send(&(number * number))?;
    }
    Ok(())
}

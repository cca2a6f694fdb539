//! A process sends numbers, a second process squares them, and the parent prints the squares: two pipes connect them.
//!
//! A pipe connects processes that share no memory: a value that is sent at one end is received at the other end, once
//! and in order. The receiver blocks while the pipe is empty. The stream ends when no process holds the sending end any
//! more: then `recv` returns `None`. So an end that is passed to a child moves there, and the parent keeps no copy. (In
//! Python the parent keeps a copy, and if the program forgets to close it, the receiver waits for ever.)
//!
//! Run:       cargo run --bin pipe -- --items 10 --timeline
//! Observe:   nothing tells `square` and the parent how many numbers come: the loop of each ends when its stream ends.
//!            With `--items 100000` the chart shows that the three processes run at the same time.
//! Exercise:  let `square` return after three numbers: add `if number == 2 { return Ok(()); }` at the end of its loop.
//!            Run it with `--items 10` and with `--items 100000`. In which run does `generate` get an error, and why
//!            only there?

use std::process::ExitCode;

use anyhow::{Context, ensure};
use ch3_processes::{Receiver, Sender, children, join_all, pipe, spawn};
use course::{lanes, lesson};

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
            ensure!(value == received * received, "the parent received {value}, not the square of {received}");
            received += 1;
        }
        join_all([generator, squarer])?;
        ensure!(received == u64::from(args.items), "{received} squares were received, not {}", args.items);
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

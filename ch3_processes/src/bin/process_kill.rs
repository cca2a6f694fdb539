//! A process that would count for ever is started, asked to end, and waited for; each state is printed when it is certain.
//!
//! `terminate` sends a signal (SIGTERM) and returns at once: the process ends soon, and whether it still lives right after is
//! not certain. `wait` returns when it has ended, and from then on it is known how. A process can catch SIGTERM in order to
//! tidy up; nothing catches SIGKILL, which `kill` sends.
//!
//! Run:       cargo run --bin process_kill -- --items 3 --timeline
//! Observe:   alive is true as long as the process counts, and false after the wait; its exit status names the signal.
//! Python:    the original asks right after `start` and `terminate` and prints "alive: True" twice: chance, not a result.
//! Exercise:  let `count` return after two numbers, and run it with `--items 2`. What fails, and is it the same each time?

use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ch3_processes::process::Cause;
use ch3_processes::{Sender, children, pipe, spawn};
use course::{lanes, lesson};
use rustix::process::Signal;

#[derive(clap::Parser)]
struct Args {
    /// How far the process counts before it is asked to end
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    items: u64,
}

fn main() -> ExitCode {
    children![count];
    lesson::run!(|args: Args, lesson| {
        println!("before the start: there is no process that could be asked");
        let (numbers_in, mut numbers_out) = pipe().context("a pipe")?;
        let mut process = spawn("count", count, (lesson.pause(1.0), numbers_in))?;

        for item in 0..args.items {
            let number = lanes::wait("a number", || numbers_out.recv())?;
            ensure!(number == Some(item), "{item} comes next, not {number:?}");
            println!("--> {item}");
        }
        // It ends only if it is made to, as long as somebody can take its numbers.
        let alive = process.is_alive();
        println!("running:          alive: {alive}, exit status: {:?}", process.exit_status());
        ensure!(alive, "it has ended by itself");

        process.terminate()?;
        println!("terminated:       alive: true or false, for the signal may be on its way");

        let status = lanes::wait("its end", || process.wait())?;
        let alive = process.is_alive();
        println!("waited for:       alive: {alive}, exit status: {status}");
        ensure!(!alive && process.exit_status() == Some(status), "what has ended stays so");
        ensure!(status.signal() == Some(Signal::TERM.as_raw()), "SIGTERM did not end it, but: {status}");

        let Err(error) = process.join() else { bail!("it was ended, and has a result") };
        println!("joined:           {error}");
        ensure!(matches!(error.cause(), Cause::Ended(ended) if *ended == status), "the join says how it ended");
        Ok(())
    })
}

fn count(pause: Duration, mut numbers: Sender<u64>) -> anyhow::Result<()> {
    for number in 0.. {
        numbers.send(&number)?;
        lanes::sleep("sleeps", pause);
    }
    Ok(())
}

//! The parent starts a process that counts for ever, asks it to end, waits for its end, and prints each state.
//!
//! `terminate` sends a signal (SIGTERM) and returns at once. The process ends soon after, so right after `terminate`
//! the parent cannot know whether it is still alive. `wait` returns when the process has ended; from then on the parent
//! knows its exit status. A process can catch SIGTERM in order to tidy up. It cannot catch SIGKILL, which `kill` sends.
//!
//! Run:       cargo run --bin process_kill -- --items 3 --timeline
//! Observe:   `alive` is true while the process counts, and false after the wait. The exit status names the signal.
//! Python:    the original asks right after `start` and right after `terminate`. It prints "alive: True" both times,
//!            but the second answer depends on chance.
//! Exercise:  let `count` end by itself: replace its `0..` by `0..2`. Run the program ten times with
//!            `--items 2 --pace 0`. Does an `ensure!` fail each time, and is it always the same one?

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
    /// How many numbers the parent receives before it asks the process to end
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    items: u64,
}

fn main() -> ExitCode {
    children![count];
    lesson::run!(|args: Args, lesson| {
        println!("before the start: there is no process yet");
        let (numbers_in, mut numbers_out) = pipe().context("a pipe")?;
        let mut process = spawn("count", count, (lesson.pause(1.0), numbers_in))?;

        for item in 0..args.items {
            let number = lanes::wait("a number", || numbers_out.recv())?;
            ensure!(number == Some(item), "the parent received {number:?}, not {item}");
            println!("--> {item}");
        }
        // `count` has no end as long as the parent holds the receiver of its numbers.
        let alive = process.is_alive();
        println!("running:          alive: {alive}, exit status: {:?}", process.exit_status());
        ensure!(alive, "the process has ended by itself");

        process.terminate()?;
        // By chance true or false: the process may not have got the signal yet.
        println!("terminated:       alive: {} (not certain yet)", process.is_alive());

        let status = lanes::wait("the end of the process", || process.wait())?;
        let alive = process.is_alive();
        println!("waited for:       alive: {alive}, exit status: {status}");
        ensure!(!alive && process.exit_status() == Some(status), "a process that has ended changed its state");
        ensure!(status.signal() == Some(Signal::TERM.as_raw()), "the process was not ended by SIGTERM: {status}");

        let Err(error) = process.join() else { bail!("a process that was ended has returned a result") };
        println!("joined:           {error}");
        ensure!(matches!(error.cause(), Cause::Ended(ended) if *ended == status), "join and wait differ: {error}");
        Ok(())
    })
}

fn count(pause: Duration, mut numbers: Sender<u64>) -> anyhow::Result<()> {
    for number in 0.. {
        numbers.send(&number)?;
        lanes::sleep("pause", pause);
    }
    Ok(())
}

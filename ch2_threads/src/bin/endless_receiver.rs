//! A thread receives until the channel ends, and keeps a sender of this channel itself. So the channel never ends.
//!
//! `recv` returns an error when no sender is left: this is how the end of the data is told. Each worker gets a clone of the
//! sender and drops it at its end. But the first sender, from which the clones were made, still belongs to the thread that
//! receives. The repair: that thread drops it after it has made the last clone.
//!
//! Run:       cargo run --bin endless_receiver
//!            cargo run --bin endless_receiver -- --repaired
//! Observe:   the report lists only `main`: the workers have sent their numbers and ended. It says which sender is left, in
//!            which line it was made, and that no lane has ever used it.
//! Exercise:  start the last worker after the loop, give it `numbers` itself in place of a clone, and delete the lines
//!            with `kept`. Does the program end without a `drop` now? Which thread drops the last sender?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use crossbeam::channel::{Receiver, Sender, bounded};

#[derive(clap::Parser)]
struct Args {
    /// The receiver drops its own sender
    #[arg(long)]
    repaired: bool,
    /// Number of threads that send
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=500))]
    workers: u16,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let (numbers, received) = lanes::channel("numbers", 1, bounded);
        let sum = thread::scope(|scope| {
            let start = |worker, numbers| {
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("worker {worker}"));
                    send(worker, &numbers);
                });
            };
            sum(args.workers, numbers, received, args.repaired, start)
        });
        let workers = u64::from(args.workers);
        println!("the sum of the numbers is {sum}");
        ensure!(sum == workers * (workers - 1) / 2, "the sum is {sum}");
        Ok(())
    })
}

type Numbers = lanes::End<Sender<u64>>;

/// Starts the workers with the function `start`, and adds the numbers that they send.
pub fn sum(
    workers: u16,
    numbers: Numbers,
    received: lanes::End<Receiver<u64>>,
    repaired: bool,
    start: impl Fn(u16, Numbers),
) -> u64 {
    for worker in 0..workers {
        start(worker, numbers.clone());
    }
    // The hazard: `main` keeps its sender to the end of the loop. The repair: it drops the sender before.
    let mut kept = Some(numbers);
    if repaired {
        kept = None;
    }

    let mut sum = 0;
    while let Ok(number) = lanes::receive(&received, |received| received.recv()) {
        sum += number;
    }
    drop(kept);
    sum
}

/// Sends a number. The sender is dropped after it.
pub fn send(worker: u16, numbers: &Numbers) {
    lanes::send(numbers, |numbers| numbers.send(u64::from(worker))).expect("`main` receives");
}

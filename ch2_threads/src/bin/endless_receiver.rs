//! A thread receives until the channel ends, and keeps a sender of this channel itself. So the channel never ends.
//!
//! `recv` returns an error when no sender is left: this is how the end of the data is told. Each worker gets a clone of the
//! sender and drops it at its end. But the first sender, from which the clones were made, still belongs to the thread that
//! receives. The repair: that thread drops it after it has made the last clone.
//!
//! Run:       cargo run --bin endless_receiver
//!            cargo run --bin endless_receiver -- --repaired
//! Observe:   all numbers come, all workers end, and the program hangs after them. The report says which sender is left, in
//!            which line it was made, and that no lane has ever used it.
//! Exercise:  let the last worker take the first sender in place of a clone. Is a `drop` still needed? What is left if
//!            there is no worker?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use crossbeam::channel::bounded;

#[derive(clap::Parser)]
struct Args {
    /// The receiver drops its own sender
    #[arg(long)]
    repaired: bool,
    /// Number of threads that send
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=500))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let (numbers, received) = lanes::channel("numbers", 1, bounded);
        let sum = thread::scope(|scope| {
            for worker in 0..args.workers {
                let numbers = numbers.clone();
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("worker {worker}"));
                    lanes::send(&numbers, |numbers| numbers.send(u64::from(worker))).expect("`main` receives");
                });
            }
            // The hazard: `main` keeps its sender to the end of the loop. The repair: it drops the sender before.
            let mut kept = Some(numbers);
            if args.repaired {
                kept = None;
            }

            let mut sum = 0;
            while let Ok(number) = lanes::receive(&received, |received| received.recv()) {
                sum += number;
            }
            drop(kept);
            sum
        });
        let workers = u64::from(args.workers);
        println!("the sum of the numbers is {sum}");
        ensure!(sum == workers * (workers - 1) / 2, "the sum is {sum}");
        Ok(())
    })
}

//! Workers fill a list with random numbers: the workload that the comparisons of this course share.
//!
//! What one generator gives depends on who asks first, so workers that share it get other numbers in every run. Here each
//! block of 4096 numbers has a seed of its own and a worker makes whole blocks. The list is then the same for any number of
//! workers, and a parallel run can be checked against the serial one, bit for bit. The numbers come from
//! `ch1_parallel/src/do_something.rs`: whoever copies this file needs that one too.
//!
//! Run:       cargo run --release --bin do_something -- --workers 4 --timeline
//! Observe:   however many workers there are, the numbers are the same and come in the same order.
//! Exercise:  give each worker one generator for all its blocks. With which numbers of workers does the check still pass?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use ch1_parallel::do_something::{do_something, part};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Numbers in all
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    numbers: u32,
    /// Threads that make them
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (count, workers) = (args.numbers as usize, usize::from(args.workers));
        let mut serial = Vec::new();
        lanes::work("all numbers", || do_something(count, lesson.seed(), 0, &mut serial));

        let mut parallel = Vec::with_capacity(count);
        thread::scope(|scope| {
            let start = |worker| scope.spawn(move || make(worker, part(count, workers, worker), lesson.seed()));
            let team: Vec<_> = (0..workers).map(start).collect();
            for worker in team {
                // A worker panics only if the program is wrong.
                parallel.append(&mut lanes::join(worker));
            }
        });

        println!("the first numbers: {:.3?}", &parallel[..count.min(10)]);
        println!("{count} numbers by {workers} workers, their mean is {:.4}", mean(&parallel));
        ensure!(parallel == serial, "the workers made other numbers than one thread does");
        ensure!(parallel.iter().all(|number| (0.0..1.0).contains(number)), "a number is not in [0, 1)");
        Ok(())
    })
}

fn make(worker: usize, (first_block, count): (u64, usize), seed: u64) -> Vec<f64> {
    let _lane = lanes::lane(format_args!("worker {worker}"));
    let mut numbers = Vec::new();
    do_something(count, seed, first_block, &mut numbers);
    numbers
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

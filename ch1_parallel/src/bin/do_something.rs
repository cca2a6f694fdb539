//! Threads fill a list with random numbers. The comparisons of this course use this workload.
//!
//! If all threads used one random generator, the numbers of a thread would depend on the order in which the threads
//! ask. Here each block of 4096 numbers has its own seed, and a thread makes whole blocks. So the list is the same for
//! any number of threads, and a parallel run can be checked against the serial run, bit for bit. The numbers come from
//! `ch1_parallel/src/do_something.rs`: if you copy this file, copy that one too.
//!
//! Run:       cargo run --release --bin do_something -- --workers 4 --timeline
//! Observe:   the printed numbers are the same for every number of workers: try `--workers 1` too. The program checks
//!            that all other numbers are the same too.
//! Exercise:  in `ch1_parallel/src/do_something.rs`, move the line `let mut random = ...` before the loop and write
//!            `first` for `block` in it. A worker then has one generator for all its blocks. With which numbers of
//!            workers does the check still pass, and why?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use ch1_parallel::do_something::{do_something, part};
use ch1_parallel::memory;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// How many numbers to make
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    numbers: u32,
    /// Number of threads
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (count, workers) = (args.numbers as usize, usize::from(args.workers));
        let serial = lanes::work("all numbers", || make((0, count), lesson.seed()))?;

        let mut parallel = memory::room_for("the numbers of all workers", count)?;
        thread::scope(|scope| {
            let spawn = |worker| {
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("worker {worker}"));
                    make(part(count, workers, worker), lesson.seed())
                })
            };
            let threads: Vec<_> = (0..workers).map(spawn).collect();
            for thread in threads {
                parallel.append(&mut lanes::join(thread)?);
            }
            anyhow::Ok(())
        })?;

        println!("the first numbers: {:.3?}", &parallel[..count.min(10)]);
        println!("{count} numbers by {workers} workers, their mean is {:.4}", mean(&parallel));
        ensure!(parallel == serial, "the workers made other numbers than one thread does");
        ensure!(parallel.iter().all(|number| (0.0..1.0).contains(number)), "a number is not in [0, 1)");
        Ok(())
    })
}

fn make((first_block, count): (u64, usize), seed: u64) -> anyhow::Result<Vec<f64>> {
    let mut numbers = memory::room_for("the numbers of a worker", count)?;
    do_something(count, seed, first_block, &mut numbers);
    Ok(numbers)
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

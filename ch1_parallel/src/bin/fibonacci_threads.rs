//! Four threads compute the same Fibonacci number at the same time.
//!
//! The threads share no data, and no thread waits for another thread. Such tasks gain the most from threads. The
//! naive recursion makes a task much longer than spawning and joining a thread, which takes some tens of microseconds.
//!
//! Run:       cargo run --release --bin fibonacci_threads -- --timeline
//! Observe:   the speed-up is close to the number of cores. More threads than cores do not raise it.
//! Python:    the interpreter lock lets only one thread run at a time, so there is no speed-up. The original measures
//!            nothing, so it does not show this.
//! Exercise:  lower `--number` until the threads are slower than one task after the other. How long does one task take
//!            then? (Divide the time of `one after the other` by the number of tasks.)

use std::hint::black_box;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Which Fibonacci number to compute
    #[arg(long, default_value_t = 37, value_parser = clap::value_parser!(u8).range(0..=45))]
    number: u8,
    /// Number of threads
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        // The black box hides the number. Otherwise the compiler could compute the result once and copy it.
        let task = || fibonacci(black_box(args.number));

        let start = Instant::now();
        let serial: Vec<_> = lanes::work("all tasks", || (0..args.workers).map(|_| task()).collect());
        let serial_time = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let parallel: Vec<_> = thread::scope(|scope| {
            let spawn = |worker| {
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("worker {worker}"));
                    task()
                })
            };
            let threads: Vec<_> = (0..args.workers).map(spawn).collect();
            lanes::join_all(threads)
        });
        let parallel_time = start.elapsed().as_secs_f64();

        println!("fibonacci({}) = {}, {} times", args.number, parallel[0], args.workers);
        println!("one after the other {:8.2} ms", serial_time * 1e3);
        println!("a thread each       {:8.2} ms, speed-up {:.2}", parallel_time * 1e3, serial_time / parallel_time);
        let right = (0..args.number).fold((0, 1), |(number, next), _| (next, number + next)).0;
        ensure!(serial == parallel && parallel.iter().all(|&number| number == right), "not all results are {right}");
        Ok(())
    })
}

fn fibonacci(number: u8) -> u64 {
    match number {
        0 | 1 => number.into(),
        _ => fibonacci(number - 1) + fibonacci(number - 2),
    }
}

//! Four threads compute the same Fibonacci number, naively, at once.
//!
//! Nothing is shared and nothing is waited for but the end: this is what threads are best at. The naive recursion makes the
//! task long enough to pay for its thread, which costs some tens of microseconds to start and to join.
//!
//! Run:       cargo run --release --bin fibonacci_threads -- --timeline
//! Observe:   the speed-up is close to the number of cores, however many threads there are beyond it.
//! Python:    the interpreter lock lets one thread run at a time: no speed-up, and the original does not show it.
//! Exercise:  lower --number until the threads lose. How long does one task take then?

use std::hint::black_box;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Which Fibonacci number
    #[arg(long, default_value_t = 37, value_parser = clap::value_parser!(u8).range(0..=45))]
    number: u8,
    /// Threads
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        // Else the compiler would compute one and copy it.
        let task = || fibonacci(black_box(args.number));

        let start = Instant::now();
        let serial: Vec<_> = lanes::work("all tasks", || (0..args.workers).map(|_| task()).collect());
        let serial_time = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let parallel: Vec<_> = thread::scope(|scope| {
            let start = |worker| {
                scope.spawn(move || {
                    let _lane = lanes::lane(format_args!("worker {worker}"));
                    task()
                })
            };
            let team: Vec<_> = (0..args.workers).map(start).collect();
            // A worker panics only if the program is wrong.
            lanes::join_all(team)
        });
        let parallel_time = start.elapsed().as_secs_f64();

        println!("fibonacci({}) = {}, {} times", args.number, parallel[0], args.workers);
        println!("one after the other {:8.2} ms", serial_time * 1e3);
        println!("a thread each       {:8.2} ms, speed-up {:.2}", parallel_time * 1e3, serial_time / parallel_time);
        let right = (0..args.number).fold((0, 1), |(one, next), _| (next, one + next)).0;
        ensure!(serial == parallel && parallel.iter().all(|&number| number == right), "not all are {right}");
        Ok(())
    })
}

fn fibonacci(number: u8) -> u64 {
    match number {
        0 | 1 => number.into(),
        _ => fibonacci(number - 1) + fibonacci(number - 2),
    }
}

//! A pool of four processes squares the numbers from 0 to 99.
//!
//! Starting a process costs more than most tasks. A pool starts its processes once, and each takes the next tasks as soon as
//! it is free; the results come in the order of the tasks, whoever was first. `map` hands tasks out in chunks, so that many
//! short ones pay too. A worker may die at any moment: its task is then run again, once.
//!
//! Run:       cargo run --release --bin process_pool -- --workers 2 --tasks 100 --steps 2000000 --timeline
//! Observe:   with `--steps 0` the pool loses: to send a number costs more than to square it.
//! Python:    there a worker that is killed takes its task with it, and `map` waits for the result for ever.
//! Exercise:  run it with `--steps 100000000` and kill one of its workers. What is on stderr, and are the squares complete?

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;
use ch3_processes::{Pool, children};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Processes in the pool
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
    /// Numbers to square
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    tasks: u64,
    /// Steps of computation in each task, about a nanosecond each
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    steps: u64,
}

fn main() -> ExitCode {
    children![square];
    lesson::run!(|args: Args, _lesson| {
        let tasks: Vec<_> = (0..args.tasks).map(|number| (number, args.steps)).collect();

        let start = Instant::now();
        println!("{} workers, {} tasks of {} steps", args.workers, args.tasks, args.steps);
        let mut pool = Pool::new("worker", args.workers as usize, square)?;
        let started = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let squares = pool.map(tasks.iter().copied());
        let by_pool = start.elapsed().as_secs_f64();
        for repeated in pool.repeated() {
            eprintln!("remark: {repeated}");
        }
        drop(pool);
        let squares = squares?;

        let start = Instant::now();
        let alone = lanes::work("alone", || tasks.iter().map(|&task| square(task)).collect::<Result<Vec<_>, _>>())?;
        let serial = start.elapsed().as_secs_f64();

        println!("{squares:?}");
        println!("start {:9.3} ms", started * 1e3);
        println!("alone {:9.3} ms", serial * 1e3);
        println!("pool  {:9.3} ms, speed-up {:.2}", by_pool * 1e3, serial / by_pool);
        ensure!(squares == alone, "the pool's results differ from those of this process");
        ensure!(squares.iter().copied().eq((0..args.tasks).map(|number| number * number)), "wrong squares");
        Ok(())
    })
}

fn square((number, steps): (u64, u64)) -> anyhow::Result<u64> {
    // Each step needs the one before, and the black boxes keep the compiler from leaving them out.
    let mut random = black_box(1u64);
    for _ in 0..steps {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
    }
    black_box(random);
    Ok(number * number)
}

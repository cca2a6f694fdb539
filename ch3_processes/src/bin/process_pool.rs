//! A pool of processes squares the numbers from 0 to 99.
//!
//! Starting a process costs more time than most tasks. A pool starts its processes once; each worker takes the next
//! tasks as soon as it is free. The results come in the order of the tasks, whichever worker finished first. `map`
//! hands out tasks in chunks, so that it costs less to send short tasks. If a worker dies, its task is run again, once.
//! In Python the task of a worker that is killed is lost, and `map` waits for its result for ever.
//!
//! Run:       cargo run --release --bin process_pool -- --workers 2 --tasks 100 --steps 2000000 --timeline
//! Observe:   the printed times: with two cores the pool is nearly twice as fast as this process alone. With
//!            `--steps 0` the pool is slower: sending a number takes longer than squaring it.
//! Exercise:  run it with `--workers 2 --tasks 50 --steps 300000000`, and within ten seconds kill a worker in another
//!            terminal: `pkill -KILL -f '^worker 1$'`. What does the program print on stderr, and are the squares
//!            complete?

use std::collections::HashSet;
use std::hint::black_box;
use std::process::{ExitCode, id};
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
    /// Steps of computation in each task, of about a nanosecond each
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
        let results = pool.map(tasks.iter().copied());
        let by_pool = start.elapsed().as_secs_f64();
        for repeated in pool.repeated() {
            eprintln!("remark: {repeated}");
        }
        drop(pool);
        let (squares, processes): (Vec<_>, HashSet<_>) = results?.into_iter().unzip();

        let start = Instant::now();
        let alone = lanes::work("alone", || tasks.iter().map(|&task| square(task)).collect::<Result<Vec<_>, _>>())?;
        let serial = start.elapsed().as_secs_f64();

        println!("{squares:?}");
        println!("start {:9.3} ms", started * 1e3);
        println!("alone {:9.3} ms, by this process", serial * 1e3);
        println!("pool  {:9.3} ms, speed-up {:.2}", by_pool * 1e3, serial / by_pool);
        println!("workers that did a task: {}", processes.len());
        ensure!(squares.iter().eq(alone.iter().map(|(square, _)| square)), "the pool and this process differ");
        ensure!(squares.iter().copied().eq((0..args.tasks).map(|number| number * number)), "wrong squares");
        ensure!(!processes.contains(&id()), "this process did a task of the pool");
        Ok(())
    })
}

/// Returns the square, and the id of the process that computed it.
fn square((number, steps): (u64, u64)) -> anyhow::Result<(u64, u32)> {
    // Each step needs the result of the step before, and `black_box` keeps the compiler from removing them.
    let mut random = black_box(1u64);
    for _ in 0..steps {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
    }
    black_box(random);
    Ok((number * number, id()))
}

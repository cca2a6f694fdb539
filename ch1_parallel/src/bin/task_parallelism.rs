//! Two different tasks run at the same time. The program shows how long a task must be to gain from it.
//!
//! Task parallelism does different things at the same time; data parallelism does the same thing to many items.
//! `rayon::join` is for two tasks: the thread runs the first task, and an idle thread of the pool may steal the second.
//! A scope is for any number of tasks, and it allocates memory for each of them. Both wait for all their tasks. Both
//! cost some microseconds, and a task gains only if it takes longer than that.
//!
//! Run:       cargo run --release --bin task_parallelism -- --timeline
//! Observe:   the columns "by join" and "by scope" are speed-ups. With a few steps they are far below 1: the pool is
//!            slower. With millions of steps on two cores they are nearly 2. They pass 1 when a task takes about as
//!            long as it takes to move the task to another thread. To draw the lanes costs each task some
//!            microseconds: run it without `--timeline` too.
//! Python:    the original's tasks are 5+3 and 10-4, so its time is only the time of the pool.
//! Exercise:  let `subtract` do twice as many steps: write `subtract(10, 2 * n)` in all three ways. What is the largest
//!            speed-up of the two tasks now, and why?

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Steps of a task in the largest pair of tasks; each smaller pair has a tenth of the steps of the next pair
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    steps: u64,
    /// Threads of the pool
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(args.workers.into()).build().context("starting the pool")?;
        println!("microseconds for both tasks, workers: {}", args.workers);
        println!("{:>11} {:>11} {:>11} {:>11} {:>9} {:>9}", "steps", "serial", "join", "scope", "by join", "by scope");
        let mut results = (0, 0);
        for n in sizes(args.steps) {
            let (one_by_one, serial) = timed(|| (add(5, n), subtract(10, n)));
            let (joined, join) = timed(|| lanes::wait("join", || pool.join(|| add(5, n), || subtract(10, n))));
            let (scoped, scope) = timed(|| {
                let (mut sum, mut difference) = (0, 0);
                lanes::wait("scope", || {
                    pool.scope(|scope| {
                        scope.spawn(|_| sum = add(5, n));
                        scope.spawn(|_| difference = subtract(10, n));
                    });
                });
                (sum, difference)
            });
            let (by_join, by_scope) = (serial / join, serial / scope);
            println!("{n:>11} {serial:>11.1} {join:>11.1} {scope:>11.1} {by_join:>9.2} {by_scope:>9.2}");
            ensure!(one_by_one == joined && one_by_one == scoped, "the tasks gave other results in the pool");
            results = joined;
        }
        println!("the results of the largest pair: add {}, subtract {}", results.0, results.1);
        Ok(())
    })
}

// Two tasks that take the same time. Each step needs the result of the step before it.

#[inline(never)]
fn add(start: u64, steps: u64) -> u64 {
    let _lane = lanes::lane("add");
    (0..steps).fold(start, |x, step| x.rotate_left(1).wrapping_add(step))
}

#[inline(never)]
fn subtract(start: u64, steps: u64) -> u64 {
    let _lane = lanes::lane("subtract");
    (0..steps).fold(start, |x, step| x.rotate_left(1).wrapping_sub(step))
}

/// The sizes from at most ten steps to the largest; each size is ten times the size before it.
fn sizes(largest: u64) -> impl Iterator<Item = u64> {
    let sizes: Vec<_> = std::iter::successors(Some(largest), |&n| (n > 10).then_some(n / 10)).collect();
    sizes.into_iter().rev()
}

/// The result, and the best time of five runs in microseconds.
fn timed<T>(run: impl Fn() -> T) -> (T, f64) {
    let once = || {
        let start = Instant::now();
        (run(), start.elapsed().as_secs_f64() * 1e6)
    };
    (0..4).map(|_| once()).fold(once(), |best, next| if next.1 < best.1 { next } else { best })
}

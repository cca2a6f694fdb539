//! Two different tasks run at the same time, and the sizes at which that pays.
//!
//! Task parallelism does different things at once; data parallelism does one thing to many items. `rayon::join` is made for
//! two tasks: it runs the first here and lets an idle thread steal the second. A scope is for any number of tasks and puts
//! each into a box. Both wait for all their tasks, and both cost some microseconds: a task must be longer than that.
//!
//! Run:       cargo run --release --bin task_parallelism -- --timeline
//! Observe:   tasks of a few steps are hundreds of times slower in the pool, and tasks of a million gain nearly two, on two
//!            cores. The last column but one crosses 1 where a task takes as long as handing it over.
//! Python:    the original's tasks are 5+3 and 10-4: it measures the pool and nothing else.
//! Exercise:  put a `join` of two such tasks on each side of the `join`. From which size does it beat the four tasks one after
//!            the other, and what do they gain with as many workers as you have cores?

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Steps of a task in the largest pair; each pair before it has a tenth
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    steps: u64,
    /// Threads of the pool
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(args.workers.into()).build().context("a pool")?;
        println!("microseconds of both tasks, workers: {}", args.workers);
        println!("{:>11} {:>11} {:>11} {:>11} {:>9} {:>9}", "steps", "serial", "join", "scope", "by join", "by scope");
        // From ten steps or fewer, in tenfold sizes, to the largest.
        let sizes: Vec<_> = std::iter::successors(Some(args.steps), |&n| (n > 10).then_some(n / 10)).collect();
        for &n in sizes.iter().rev() {
            let (alone, serial) = timed(|| (add(5, n), subtract(10, n)));
            let (joined, join) =
                timed(|| lanes::wait("the pool", || pool.install(|| rayon::join(|| add(5, n), || subtract(10, n)))));
            let (scoped, scope) = timed(|| {
                let mut results = (0, 0);
                lanes::wait("the pool", || {
                    pool.scope(|scope| {
                        scope.spawn(|_| results.0 = add(5, n));
                        scope.spawn(|_| results.1 = subtract(10, n));
                    });
                });
                results
            });
            let (by_join, by_scope) = (serial / join, serial / scope);
            println!("{n:>11} {serial:>11.1} {join:>11.1} {scope:>11.1} {by_join:>9.2} {by_scope:>9.2}");
            ensure!(alone == joined && alone == scoped, "the tasks gave other results in the pool");
        }
        Ok(())
    })
}

// Two tasks that take the same time: a rotation and an addition or a subtraction a step, each step after the other.

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

/// The best of several runs, in microseconds.
fn timed<T>(run: impl Fn() -> T) -> (T, f64) {
    let once = || {
        let start = Instant::now();
        (run(), start.elapsed().as_secs_f64() * 1e6)
    };
    (0..4).map(|_| once()).fold(once(), |best, next| if next.1 < best.1 { next } else { best })
}

//! Three tasks compute a factorial, a Fibonacci number and a binomial coefficient step by step, at the same time.
//!
//! `tokio::spawn` gives a future to the event loop, which polls it as a task beside the other tasks. It returns a
//! `JoinHandle`: a future that is ready when the task has ended, with the task's result. Dropping the handle does not
//! end the task. The event loop has one thread. It runs a task until the task awaits something that is not ready, and
//! then runs another task. So tasks change places only at an `.await`. (`ch5_async/src/numbers.rs` checks the results.)
//!
//! Run:       cargo run --bin tasks -- --timeline
//! Observe:   the lines of the three tasks alternate, because each task pauses after each step. A task has about ten
//!            pauses of 0.1 s, and the three tasks together take one second, not three.
//! Python:    the original does not start on Python 3.11 or later, because `asyncio.coroutine` no longer exists.
//! Exercise:  in `factorial`, delete the line `steps.pause().await;`. This task awaits nothing now. Which lines come
//!            first, and which `ensure!` fails?

use std::collections::HashSet;
use std::sync::mpsc::{Sender, channel};
use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use ch5_async::numbers;
use course::{lanes, lesson};
use tokio::{task::yield_now, time::sleep};

// With the largest values no step overflows 128 bits.
#[derive(clap::Parser)]
struct Args {
    /// The factorial to compute
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(..=34))]
    factorial: u32,
    /// The Fibonacci number to compute
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(..=185))]
    fibonacci: u32,
    /// N of the binomial coefficient, the number of ways to choose K of N things
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=120))]
    n: u32,
    /// K of the binomial coefficient
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=120))]
    k: u32,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (made, all_made) = channel();
        let steps = |task| Steps { task, pause: lesson.pause(1.0), made: made.clone() };
        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (factorial, fibonacci, binomial) = event_loop.block_on(async {
            let factorial = tokio::spawn(lanes::task("factorial", factorial(args.factorial, steps("factorial"))));
            let fibonacci = tokio::spawn(lanes::task("fibonacci", fibonacci(args.fibonacci, steps("fibonacci"))));
            let binomial = tokio::spawn(lanes::task("binomial", binomial(args.n, args.k, steps("binomial"))));
            lanes::wait_for("the three tasks", async { tokio::try_join!(factorial, fibonacci, binomial) }).await
        })?;
        println!("factorial({}) = {factorial}", args.factorial);
        println!("fibonacci({}) = {fibonacci}", args.fibonacci);
        println!("binomial({}, {}) = {binomial}", args.n, args.k);

        // Each result is checked by a computation other than that of its task.
        ensure!(factorial == numbers::factorial(args.factorial), "wrong factorial");
        ensure!(fibonacci == numbers::fibonacci(args.fibonacci), "wrong Fibonacci number");
        ensure!(binomial == numbers::binomial(args.n, args.k), "wrong binomial coefficient");
        let made: Vec<_> = all_made.try_iter().collect();
        let tasks: HashSet<_> = made.iter().collect();
        let first: HashSet<_> = made.iter().take(tasks.len()).collect();
        ensure!(first == tasks, "a task made its second step before another task made its first step");
        Ok(())
    })
}

/// What a task does besides its computation.
struct Steps {
    task: &'static str,
    pause: Duration,
    /// Gets the name of the task at each step.
    made: Sender<&'static str>,
}

impl Steps {
    fn made(&self, number: u32, value: u128) {
        println!("{}: step {number}, so far {value}", self.task);
        let _ = self.made.send(self.task); // It cannot fail: `main` keeps the receiver.
    }

    /// Gives the thread to the other tasks, also if there is no pause.
    async fn pause(&self) {
        if self.pause.is_zero() {
            yield_now().await;
        } else {
            lanes::sleeping("pause", sleep(self.pause)).await;
        }
    }
}

async fn factorial(n: u32, steps: Steps) -> u128 {
    let mut product = 1;
    for factor in 2..=n {
        product *= u128::from(factor);
        steps.made(factor - 1, product);
        steps.pause().await;
    }
    product
}

async fn fibonacci(n: u32, steps: Steps) -> u128 {
    let (mut this, mut next) = (0, 1);
    for step in 1..=n {
        (this, next) = (next, this + next);
        steps.made(step, this);
        steps.pause().await;
    }
    this
}

/// The number of ways to choose `k` of `n` things.
async fn binomial(n: u32, k: u32, steps: Steps) -> u128 {
    let mut ways = 1;
    for i in 1..=k {
        ways = ways * u128::from((n + 1).saturating_sub(i)) / u128::from(i);
        steps.made(i, ways);
        steps.pause().await;
    }
    ways
}

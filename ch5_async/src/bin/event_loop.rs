//! An event loop runs one task at a time on one thread: A calls B later, B calls C, C calls A, until the time is over.
//!
//! A task that awaits gives the thread back to the loop, which polls whatever else is ready. A task that blocks keeps the
//! thread, and everything else stands still.
//!
//! Run:       cargo run --bin event_loop -- --timeline
//! Observe:   the clock ticks on while A, B and C pause: their pauses are waits, and nobody holds the thread.
//! Python:    the original pauses with `time.sleep`, which blocks the loop: a clock beside it would stop.
//! Exercise:  replace `sleep` in `call` by `std::thread::sleep`. How many ticks are left?

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use ch1_parallel::{lanes, lesson};
use rand::RngExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

const TASKS: [&str; 3] = ["task_A", "task_B", "task_C"];

#[derive(clap::Parser)]
struct Args {
    /// How long the tasks call each other, in seconds of the Python script (which takes 60)
    #[arg(long, default_value_t = 20.0, value_parser = seconds)]
    seconds: f64,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let pauses = std::iter::from_fn(|| Some(lesson.pause(f64::from(rng.random_range(0..=5u8)))));
        let (second, time) = (lesson.pause(1.0), lesson.pause(args.seconds));
        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let calls = event_loop.block_on(run(pauses, second, time))?;
        ensure!(
            calls.iter().zip(TASKS.iter().cycle()).all(|(call, task)| call == task),
            "a task was called out of turn"
        );
        println!("{} calls in turn", calls.len());
        Ok(())
    })
}

/// Calls the tasks in turn, each a second after the one before it has ended, and returns who was called.
async fn run(
    pauses: impl Iterator<Item = Duration>,
    second: Duration,
    time: Duration,
) -> anyhow::Result<Vec<&'static str>> {
    let end = Instant::now() + time;
    let clock = tokio::spawn(lanes::task("clock", clock(second)));
    let mut calls = Vec::new();
    let mut later = JoinSet::new();
    for (task, pause) in TASKS.into_iter().cycle().zip(pauses) {
        let delay = if calls.is_empty() { Duration::ZERO } else { second };
        later.spawn(lanes::task(task, call(task, delay, pause)));
        if let Some(called) = lanes::wait_for("the call", later.join_next()).await {
            calls.push(called?);
        }
        if Instant::now() + second >= end {
            break;
        }
    }
    clock.abort();
    Ok(calls)
}

async fn call(task: &'static str, delay: Duration, pause: Duration) -> &'static str {
    lanes::wait_for("its time", sleep(delay)).await;
    println!("{task} called, pauses {:.1} s", pause.as_secs_f64());
    lanes::wait_for("its pause", sleep(pause)).await;
    task
}

async fn clock(second: Duration) {
    // An interval of no length does not exist.
    let mut ticks = interval(second.max(Duration::from_millis(1)));
    for tick in 0.. {
        lanes::wait_for("the next tick", ticks.tick()).await;
        println!("tick {tick}");
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("it must be from 0 to 3600".into()) }
}

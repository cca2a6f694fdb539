//! A task that blocks stalls every other task of its event loop. A heartbeat task shows how late the other tasks run.
//!
//! Three tasks sleep once each. The program does this three times: all tasks use a blocking sleep, then all use an
//! async sleep, then all use a blocking sleep that `spawn_blocking` runs on other threads. `std::thread::sleep` blocks:
//! the event loop's thread can run no other task until the call returns. `tokio::time::sleep` with `.await` gives the
//! thread back, so the other tasks run meanwhile. If a call must block, `spawn_blocking` runs it on another thread, and
//! the task awaits its end. The heartbeat task sleeps for 10 ms and beats, again and again. A beat is late if the loop
//! does not run the heartbeat when its sleep is over.
//!
//! Run:       cargo run --bin blocking_the_loop -- --timeline
//! Observe:   in the chart the three blocking sleeps come one after the other, and the async sleeps at the same time.
//!            During a blocking sleep there is no beat. The heartbeat is late by about the sum of the three sleeps. In
//!            the other two ways a beat is late by about a millisecond: tokio's timer counts in whole milliseconds.
//! Exercise:  give the event loop two threads more: replace `new_current_thread()` by
//!            `new_multi_thread().worker_threads(2)`. `main` still runs the heartbeat, and the two new threads run the
//!            other tasks and tokio's timer. Which `ensure!` fails with `--tasks 1`? Why is the heartbeat late with
//!            `--tasks 8`, although its thread is free?

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::{thread, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};

#[derive(clap::Parser)]
struct Args {
    /// Number of tasks that sleep
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=400))]
    tasks: u16,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Blocking,
    Async,
    SpawnBlocking,
}

/// The heartbeat sleeps for this time before each beat.
const PERIOD: Duration = Duration::from_millis(10);

/// The number of beats of the heartbeat.
static BEATS: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let pauses: Vec<_> = (0..args.tasks).map(|_| lesson.pause(rng.random_range(2.0..4.0))).collect();
        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        println!("a heartbeat each {PERIOD:?}, tasks that sleep: {}", args.tasks);
        for way in [Way::Blocking, Way::Async, Way::SpawnBlocking] {
            let (sleeps, mut late) = event_loop.block_on(async {
                let task = |(number, &pause)| lanes::task(format!("task {number}"), sleep_once(way, number, pause));
                let tasks: Vec<_> = (1..).zip(&pauses).map(task).map(tokio::spawn).collect();
                let late = lanes::wait_for("heartbeat", lanes::task("heartbeat", beat(&tasks))).await;
                let mut sleeps = Vec::new();
                for task in tasks {
                    sleeps.push(lanes::wait_for("task", task).await??);
                }
                anyhow::Ok((sleeps, late))
            })?;

            late.sort();
            let (beats, median, most) = (late.len(), late[late.len() / 2], late[late.len() - 1]);
            println!("{way:?}: beats: {beats}, late by {median:.2?} (median), {most:.2?} (most)");
            for (beats, &pause) in sleeps.into_iter().zip(&pauses) {
                println!("  beats during a sleep of {pause:.0?}: {beats}");
                ensure!(way != Way::Blocking || beats == 0, "the heartbeat ran although its thread was blocked");
                // A beat that is due during an async sleep happens before the sleep ends, however busy the machine is.
                ensure!(way != Way::Async || beats > 0 || pause < 2 * PERIOD, "a task blocked the loop");
            }
        }
        Ok(())
    })
}

/// Beats until the tasks have ended. Returns how late each beat was.
async fn beat(tasks: &[JoinHandle<anyhow::Result<usize>>]) -> Vec<Duration> {
    let mut late = Vec::new();
    while late.is_empty() || !tasks.iter().all(JoinHandle::is_finished) {
        let due = Instant::now() + PERIOD;
        lanes::sleeping("until the next beat", sleep_until(due)).await;
        late.push(due.elapsed());
        BEATS.fetch_add(1, SeqCst);
    }
    late
}

/// Sleeps, and returns the number of beats meanwhile.
async fn sleep_once(way: Way, number: usize, pause: Duration) -> anyhow::Result<usize> {
    let before = BEATS.load(SeqCst);
    match way {
        Way::Blocking => lanes::sleep("blocking sleep", pause),
        Way::Async => lanes::sleeping("async sleep", sleep(pause)).await,
        Way::SpawnBlocking => {
            let blocking = spawn_blocking(move || {
                let _lane = lanes::lane(format_args!("thread {number}"));
                lanes::sleep("blocking sleep", pause);
                thread::current().id()
            });
            let thread = lanes::wait_for("spawn_blocking", blocking).await?;
            ensure!(thread != thread::current().id(), "the sleep ran on the thread of the event loop");
        }
    }
    Ok(BEATS.load(SeqCst) - before)
}

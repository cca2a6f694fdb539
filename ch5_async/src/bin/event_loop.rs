//! An event loop runs one task at a time on one thread: A calls B later, B calls C, C calls A, until the time is over.
//!
//! A task that awaits gives the thread back to the loop, which polls whatever else is ready. A task that blocks keeps the
//! thread, and everything else stands still.
//!
//! Run:       cargo run --bin event_loop -- --timeline
//! Observe:   the clock ticks on while A, B and C pause: their pauses are waits, and nobody holds the thread.
//! Python:    the original pauses with `time.sleep`, which blocks the loop: a clock beside it would stop.
//! Exercise:  in `call_later`, put `std::thread::sleep(length);` in place of the line that awaits the pause. Who notices?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

const TASKS: [&str; 3] = ["task_A", "task_B", "task_C"];

#[derive(clap::Parser)]
struct Args {
    /// How long the tasks call each other, in seconds of the Python script (which takes 60)
    #[arg(long, default_value_t = 20, value_name = "S", value_parser = clap::value_parser!(u32).range(0..=3600))]
    seconds: u32,
}

/// What a call needs to know.
struct Plan {
    end: Instant,
    second: Duration,
    pauses: Vec<u32>,
    ticks: AtomicU64,
}

/// A call that has ended: whose, how long it paused, and how often the clock ticked meanwhile.
type Call = (&'static str, Duration, u64);

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let second = lesson.pause(1.0).max(Duration::from_millis(1)); // an interval of no length does not exist
        let end = Instant::now() + lesson.pause(args.seconds.into());
        let pauses = (0..=args.seconds).map(|_| rng.random_range(0..=5)).collect();
        let plan = Arc::new(Plan { end, second, pauses, ticks: AtomicU64::new(0) });

        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let calls: Vec<Call> = event_loop.block_on(async {
            let (ended, mut calls) = unbounded_channel();
            tokio::spawn(lanes::task("clock", clock(plan.clone())));
            call_later(0, Duration::ZERO, plan, ended);
            let mut all = Vec::new();
            // It ends when the last call has: nobody can send any more.
            while let Some(call) = lanes::wait_for("the next call", calls.recv()).await {
                all.push(call);
            }
            all
        });
        println!("{} calls", calls.len());
        ensure!(calls.iter().zip(TASKS.iter().cycle()).all(|(call, task)| call.0 == *task), "called out of turn");
        let blocked = calls.iter().find(|(_, pause, ticks)| *pause >= 2 * second && *ticks == 0);
        ensure!(blocked.is_none(), "the loop was blocked: the clock did not tick during a pause");
        Ok(())
    })
}

/// Puts a call on the loop and goes on. The call, when it has paused, does the same with the next one.
fn call_later(number: usize, delay: Duration, plan: Arc<Plan>, ended: UnboundedSender<Call>) {
    let task = TASKS[number % TASKS.len()];
    tokio::spawn(lanes::task(task, async move {
        lanes::wait_for("its time", sleep(delay)).await;
        let (pause, ticks) = (plan.pauses[number], plan.ticks.load(Relaxed));
        let length = plan.second * pause;
        println!("{task} called, pauses {pause} s of the script's");
        lanes::wait_for("its pause", sleep(length)).await;
        let _ = ended.send((task, length, plan.ticks.load(Relaxed) - ticks)); // `main` listens to the end
        if Instant::now() + plan.second < plan.end {
            call_later(number + 1, plan.second, plan, ended);
        }
    }));
}

async fn clock(plan: Arc<Plan>) {
    let mut clock = interval(plan.second);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip); // a late tick is not made up for
    loop {
        lanes::wait_for("the next tick", clock.tick()).await;
        plan.ticks.fetch_add(1, Relaxed);
    }
}

//! An event loop runs many tasks on one thread: A spawns B, B spawns C, and C spawns A, for `--seconds`.
//!
//! Each task pauses and then spawns the next task, which begins one second later (in the time of the Python script).
//! The loop runs one task at a time. A task that awaits gives the thread back to the loop, which then runs a task that
//! is ready. A task that blocks keeps the thread, and no other task runs meanwhile.
//!
//! Run:       cargo run --bin event_loop -- --timeline
//! Observe:   the clock ticks while A, B and C pause, because a task that sleeps does not block the thread.
//! Python:    the original pauses with `time.sleep`, which blocks the loop: a clock task beside it would stop.
//! Exercise:  in `call_later`, replace `lanes::sleeping("pause", sleep(pause)).await;` by `std::thread::sleep(pause);`.
//!            How often does the clock tick now, and which `ensure!` fails?

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
    /// How long the tasks spawn each other, in seconds of the Python script, which takes 60
    #[arg(long, default_value_t = 20, value_name = "S", value_parser = clap::value_parser!(u32).range(0..=3600))]
    seconds: u32,
}

/// What all tasks share.
struct Plan {
    end: Instant,
    /// A second of the Python script, at the pace of this run.
    second: Duration,
    /// The pause of each call, in such seconds.
    pauses: Vec<u32>,
    /// How often the clock has ticked.
    ticks: AtomicU64,
}

/// A call that has ended: the name of its task, its pause, and how often the clock ticked during the pause.
type Call = (&'static str, Duration, u64);

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let second = lesson.pause(1.0).max(Duration::from_millis(1)); // `interval` panics if it is 0
        let end = Instant::now() + lesson.pause(args.seconds.into());
        let pauses = (0..=args.seconds).map(|_| rng.random_range(0..=5)).collect();
        let plan = Arc::new(Plan { end, second, pauses, ticks: AtomicU64::new(0) });

        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let calls: Vec<Call> = event_loop.block_on(async {
            let (ended, mut calls) = unbounded_channel();
            tokio::spawn(lanes::task("clock", clock(plan.clone())));
            call_later(0, Duration::ZERO, plan, ended);
            let mut all = Vec::new();
            // `recv` returns `None` once the last call has ended, because then no sender is left.
            while let Some(call) = lanes::wait_for("the next call", calls.recv()).await {
                all.push(call);
            }
            all
        });
        println!("{} calls", calls.len());
        ensure!(
            calls.iter().zip(TASKS.iter().cycle()).all(|(call, task)| call.0 == *task),
            "a task was called out of turn"
        );
        let blocked = calls.iter().any(|(_, pause, ticks)| *pause >= 2 * second && *ticks == 0);
        ensure!(!blocked, "a task blocked the loop: the clock did not tick during its pause");
        Ok(())
    })
}

/// Spawns a task that makes call `number` after the delay, and returns at once. After its pause, the task spawns the
/// next task.
fn call_later(number: usize, delay: Duration, plan: Arc<Plan>, ended: UnboundedSender<Call>) {
    let task = TASKS[number % TASKS.len()];
    tokio::spawn(lanes::task(task, async move {
        lanes::sleeping("pause before the call", sleep(delay)).await;
        let (pause, ticks) = (plan.second * plan.pauses[number], plan.ticks.load(Relaxed));
        println!("{task} called, pauses {:.2} s ({} s in the Python script)", pause.as_secs_f64(), plan.pauses[number]);
        lanes::sleeping("pause", sleep(pause)).await;
        let ticks = plan.ticks.load(Relaxed) - ticks;
        println!("{task} is over, ticks of the clock during its pause: {ticks}");
        let _ = ended.send((task, pause, ticks)); // It cannot fail: `main` receives until no sender is left.
        if Instant::now() + plan.second < plan.end {
            call_later(number + 1, plan.second, plan, ended);
        }
    }));
}

/// Counts a tick each second of the script's time. It never returns; it is dropped with the event loop.
async fn clock(plan: Arc<Plan>) {
    let mut clock = interval(plan.second);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip); // Ticks that were missed are not made up for.
    loop {
        lanes::sleeping("until the next tick", clock.tick()).await;
        plan.ticks.fetch_add(1, Relaxed);
    }
}

//! A task that blocks stalls every other task of its event loop. A heartbeat task shows for how long.
//!
//! Three tasks sleep once each. `std::thread::sleep` blocks: the event loop's thread can poll no other task until the
//! call returns. The repair is an async sleep: `tokio::time::sleep` with `.await` gives the thread back, so the other
//! tasks run meanwhile. If a call must block, the repair is `spawn_blocking`: it runs the call on another thread, and the
//! task awaits its end. The heartbeat task (`ch5_async/src/heartbeat.rs`) sleeps for 10 ms and beats, again and again. When
//! its sleep is over it is ready, and the event loop should poll it at once.
//!
//! Run:       cargo run --bin blocking_the_loop -- --timeline
//!            cargo run --bin blocking_the_loop -- --repaired --timeline
//! Observe:   the report names each call that blocked the thread, its line, for how long it blocked at least, and how many
//!            tasks were ready besides the heartbeat. In the chart the blocking sleeps come one after the other, without a
//!            beat. The repaired program does the sleeps twice, first as async sleeps and then by `spawn_blocking`: they
//!            come at the same time, and the heartbeat beats meanwhile. A beat is late by about a millisecond, because
//!            tokio's timer counts in whole milliseconds. The line above the chart is the price of `spawn_blocking`.
//! Exercise:  give the event loop two threads more: replace `new_current_thread()` by
//!            `new_multi_thread().worker_threads(2)`. `main` still runs the heartbeat, and the two new threads run the
//!            other tasks and tokio's timer. Does the program still fail with `--tasks 1`? Why is the heartbeat not polled
//!            with `--tasks 8`, although its thread is free?

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::{thread, time::Duration};

use anyhow::ensure;
use ch5_async::heartbeat::{self, Call, Heartbeat, PERIOD};
use course::lesson::Shown;
use course::{lanes, lesson};
use rand::RngExt;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep};

#[derive(clap::Parser)]
struct Args {
    /// No sleep blocks the thread of the event loop
    #[arg(long)]
    repaired: bool,
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

static HEARTBEAT: Heartbeat = Heartbeat::new();

/// The number of tasks that are ready for their first poll.
static READY: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, lesson| {
        let mut rng = lesson.rng(0);
        let pauses: Vec<_> = (0..args.tasks).map(|_| lesson.pause(rng.random_range(2.0..4.0))).collect();
        let event_loop = Builder::new_current_thread().enable_time().build()?;
        if !args.repaired {
            let (sleeps, _) = event_loop.block_on(sleep_all(Way::Blocking, &pauses))?;
            let blocked = heartbeat::blocked(&sleeps);
            if !blocked.is_empty() {
                let reason = "until such a call returns, its thread polls no task and runs no timer";
                return Err(Shown(format!("blocked event loop:{blocked}\nreason: {reason}")).into());
            }
            println!("no call blocked the event loop: the heartbeat beat during each sleep of more than {PERIOD:?}");
            return Ok(());
        }

        println!("a heartbeat each {PERIOD:?}, tasks that sleep: {}", args.tasks);
        for way in [Way::Async, Way::SpawnBlocking] {
            let (sleeps, mut late) = event_loop.block_on(sleep_all(way, &pauses))?;
            late.sort();
            let (beats, median, most) = (late.len(), late[late.len() / 2], late[late.len() - 1]);
            println!("{way:?}: beats: {beats}, late by {median:.2?} (median), {most:.2?} (most)");
            for Call { takes, beats, .. } in sleeps {
                println!("  beats during a sleep of {takes:.0?}: {beats}");
                // A beat that is due during an async sleep happens before the sleep ends, however busy the machine is.
                ensure!(way != Way::Async || beats > 0 || takes < 2 * PERIOD, "a task blocked the loop");
            }
        }
        let price = event_loop.block_on(price())?;
        println!("spawn_blocking takes {price:.1?} for each call, and a thread while the call blocks");
        Ok(())
    })
}

/// Lets each task sleep once. Returns the sleeps, and how late each beat was.
async fn sleep_all(way: Way, pauses: &[Duration]) -> anyhow::Result<(Vec<Call>, Vec<Duration>)> {
    READY.store(pauses.len(), SeqCst);
    let task = |(number, &pause)| lanes::task(format!("task {number}"), sleep_once(way, number, pause));
    let tasks: Vec<_> = (1..).zip(pauses).map(task).map(tokio::spawn).collect();
    let beat = HEARTBEAT.beat(|| tasks.iter().all(JoinHandle::is_finished));
    let late = lanes::wait_for("heartbeat", lanes::task("heartbeat", beat)).await;
    let mut sleeps = Vec::new();
    for task in tasks {
        sleeps.push(lanes::wait_for("task", task).await??);
    }
    Ok((sleeps, late))
}

/// Sleeps once.
async fn sleep_once(way: Way, number: usize, pause: Duration) -> anyhow::Result<Call> {
    READY.fetch_sub(1, SeqCst);
    let before = HEARTBEAT.beats();
    // The hazard: a call that blocks. The repairs: an async sleep, or another thread that makes the call.
    let ((), line) = match way {
        Way::Blocking => (lanes::sleep("blocking sleep", pause), line!()),
        Way::Async => (lanes::sleeping("async sleep", sleep(pause)).await, line!()),
        Way::SpawnBlocking => (lanes::wait_for("spawn_blocking", sleep_elsewhere(number, pause)).await?, line!()),
    };
    let (beats, ready) = (HEARTBEAT.beats() - before, READY.load(SeqCst));
    Ok(Call { at: (file!(), line), takes: pause, beats, ready })
}

/// Lets another thread sleep.
async fn sleep_elsewhere(number: usize, pause: Duration) -> anyhow::Result<()> {
    let sleeper = spawn_blocking(move || {
        let _lane = lanes::lane(format_args!("thread {number}"));
        lanes::sleep("blocking sleep", pause);
        thread::current().id()
    });
    ensure!(sleeper.await? != thread::current().id(), "the sleep ran on the thread of the event loop");
    Ok(())
}

/// The time of a call in another thread that does nothing else than to say which thread it is.
async fn price() -> anyhow::Result<Duration> {
    const CALLS: u32 = 1000;
    let begin = Instant::now();
    for _ in 0..CALLS {
        let other = spawn_blocking(|| thread::current().id()).await?;
        ensure!(other != thread::current().id(), "the call ran on the thread of the event loop");
    }
    Ok(begin.elapsed() / CALLS)
}

//! A small executor, with its waker and its timer, runs the same tasks as tokio and gets the same results.
//!
//! A future does nothing until it is polled. `poll` runs it until it is done (`Ready`) or must wait (`Pending`). Before
//! a future returns `Pending`, it gives a waker to the timer or the channel for which it waits. The timer or the
//! channel later calls `wake`. Then the executor polls the task again. Tokio's channels work under any executor.
//!
//! Run:       cargo run --bin executor -- --timeline
//! Observe:   5 tasks need 14 polls: a first one each, and one for each pending await (5 sleeps, 4 waits for the list).
//! Exercise:  in `sleep`, replace the line that begins with `TIMERS` by `context.waker().wake_by_ref();`. How many
//!            polls does the executor need now? Then delete that line. Which error ends the program, and why?

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use std::{collections::BTreeMap, future, mem, pin::Pin, process::ExitCode};

use anyhow::{Context as _, ensure};
use course::{lanes, lesson};
use rand::RngExt;
use tokio::sync::oneshot::{self, Receiver};
use tokio::{runtime, task::JoinSet};

#[derive(clap::Parser)]
struct Args {
    /// Number of tasks
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    tasks: u64,
}

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// The wakers of the tasks that sleep, by the end of the sleep. Nothing panics under the lock, so `unwrap` cannot fail.
static TIMERS: Mutex<BTreeMap<Instant, Vec<Waker>>> = Mutex::new(BTreeMap::new());

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let pauses: Vec<_> = (0..args.tasks).map(|n| lesson.pause(lesson.rng(n).random_range(1.0..8.0))).collect();
        println!("{} tasks pass on a list and then sleep {pauses:.0?}", args.tasks);
        let begin = Instant::now();
        let (tasks, mut list) = chain("task", &pauses, sleep);
        let (polls, time) = (run(tasks)?, begin.elapsed());
        let by_executor = list.try_recv()?;
        let (tasks, mut list) = chain("tokio task", &pauses, |time| Box::pin(tokio::time::sleep(time)));
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(async { lanes::wait_for("tokio's tasks", JoinSet::from_iter(tasks).join_all()).await });
        let by_tokio = list.try_recv()?;
        println!("executor: list {by_executor:?}, {polls} polls, {time:.2?}\ntokio:    list {by_tokio:?}");
        ensure!(by_executor == by_tokio && by_tokio.len() == pauses.len(), "the lists differ or are not complete");
        let pending = 2 * pauses.len() - 1; // All sleeps, and all waits for the list but that of the last task.
        ensure!(polls == pauses.len() + pending, "{polls} polls, but {pending} awaits were pending");
        ensure!(Some(time) >= pauses.into_iter().max(), "a timer was early");
        Ok(())
    })
}

struct TaskWaker(usize, mpsc::Sender<usize>); // The number of its task, and the queue of the executor.
impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let _ = self.1.send(self.0); // It fails only if the executor has ended.
    }
}

/// The executor: polls the tasks that are woken, until all are done, and counts the polls. Only tasks and timers wake.
fn run(mut tasks: Vec<BoxFuture>) -> anyhow::Result<usize> {
    let (sender, queue) = mpsc::channel();
    let wakers: Vec<_> = (0..tasks.len()).map(|task| Waker::from(Arc::new(TaskWaker(task, sender.clone())))).collect();
    wakers.iter().for_each(Waker::wake_by_ref); // Each task must be polled a first time.
    let (mut polls, mut left) = (0, tasks.len());
    while left > 0 {
        if let Ok(task) = queue.try_recv() {
            polls += 1;
            if tasks[task].as_mut().poll(&mut Context::from_waker(&wakers[task])).is_ready() {
                tasks[task] = Box::pin(future::pending()); // A done future must not be polled.
                left -= 1;
            }
        } else {
            let (end, wakers) = TIMERS.lock().unwrap().pop_first().context("no task can be woken: no timer is set")?;
            lanes::sleep("until the next timer", end.saturating_duration_since(Instant::now()));
            wakers.into_iter().for_each(Waker::wake);
        }
    }
    Ok(polls)
}

fn sleep(time: Duration) -> BoxFuture {
    let (end, mut polled) = (Instant::now() + time, false);
    Box::pin(future::poll_fn(move |context| {
        if mem::replace(&mut polled, true) && Instant::now() >= end {
            return Poll::Ready(()); // Never at the first poll.
        }
        TIMERS.lock().unwrap().entry(end).or_default().push(context.waker().clone());
        Poll::Pending
    }))
}

/// Each task gets a list from the next task, adds its number, sends the list on, and sleeps. The last task begins it.
fn chain(name: &str, pauses: &[Duration], sleep_fn: fn(Duration) -> BoxFuture) -> (Vec<BoxFuture>, Receiver<Vec<u32>>) {
    let (mut after, list) = oneshot::channel::<Vec<u32>>();
    let tasks = (0..).zip(pauses.iter().copied()).map(|(number, pause)| {
        let (sender, before) = oneshot::channel();
        let after = mem::replace(&mut after, sender);
        Box::pin(lanes::task(format!("{name} {number}"), async move {
            let mut list = lanes::wait_for("the list", before).await.unwrap_or_default();
            list.push(number);
            let _ = after.send(list); // It fails only if a task is dropped before its end.
            lanes::sleeping("pause", sleep_fn(pause)).await;
        })) as BoxFuture
    });
    (tasks.collect(), list)
}

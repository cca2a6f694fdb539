//! Async code gives blocking work to a pool of two threads: first to tokio's blocking threads, then to rayon's threads.
//!
//! A call that blocks or computes for long must not run in a task, because it keeps the thread of the event loop. A
//! thread of a pool runs it instead, and the task awaits the result. `spawn_blocking` is for calls that block, such as
//! reading a file: its threads mostly wait, so there may be many (by default up to 512). A rayon pool is for
//! computation and has one thread for each core. Its result comes back through a oneshot channel.
//!
//! Run:       cargo run --bin thread_pool -- --timeline
//! Observe:   the threads end their work in another order than the results are printed, because the task awaits the
//!            results in the order of the items. At most `--workers` threads work at the same time, and `main` waits.
//! Exercise:  replace `spawn_blocking(move || cube(item))` by `async move { anyhow::Ok(cube(item)) }`. The program
//!            still compiles. Which thread cubes now, when does it begin, and which `ensure!` fails?

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, ThreadId};
use std::{iter, time::Duration};

use anyhow::{Context, ensure};
use course::{lanes, lesson};
use rand::RngExt;
use tokio::{sync::oneshot, task::spawn_blocking};

#[derive(clap::Parser)]
struct Args {
    /// Threads in each pool
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=400))]
    workers: u16,
    /// Even numbers to cube, from 2 on, after the number 3
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    items: u64,
}

/// A number to cube, and how long the work on it takes.
type Item = (u64, Duration);
/// Threads of the pools: how many have started, how many have ended, how many work now, and the most that worked at once.
static STARTED: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicUsize = AtomicUsize::new(0);
static WORKING: AtomicUsize = AtomicUsize::new(0);
static MOST_WORKING: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let workers = args.workers.into();
        let work = |number| lesson.pause(lesson.rng(number).random_range(0.5..2.0));
        let numbers = iter::once(3).chain((1..=args.items).map(|item| 2 * item));
        let items: Vec<Item> = numbers.map(|number| (number, work(number))).collect();

        println!("blocking threads of tokio, at most {workers}:");
        let number = AtomicUsize::new(0);
        let event_loop = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(workers)
            .thread_name_fn(move || format!("blocking thread {}", number.fetch_add(1, SeqCst)))
            .on_thread_start(|| _ = STARTED.fetch_add(1, SeqCst))
            .on_thread_stop(|| _ = ENDED.fetch_add(1, SeqCst))
            .build()?;
        event_loop.block_on(submit_and_map(&items, |item| spawn_blocking(move || cube(item))))?;

        println!("threads of rayon, {workers}:");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|number| format!("rayon thread {number}"))
            .start_handler(|_| _ = STARTED.fetch_add(1, SeqCst))
            .exit_handler(|_| _ = ENDED.fetch_add(1, SeqCst));
        // A scoped pool joins its threads at its end. Another pool that is dropped only tells them to end.
        let done = pool.build_scoped(rayon::ThreadBuilder::run, |pool| {
            event_loop.block_on(submit_and_map(&items, |item| {
                let (done, result) = oneshot::channel();
                pool.spawn(move || _ = done.send(cube(item)));
                result
            }))
        });
        done.context("starting the rayon pool")??;
        drop(event_loop); // This joins the blocking threads.

        let [started, ended, most] = [&STARTED, &ENDED, &MOST_WORKING].map(|count| count.load(SeqCst));
        println!("threads started: {started}, ended: {ended}, at most {most} worked at the same time");
        ensure!(most <= workers, "{most} threads worked at the same time, in a pool of {workers}");
        ensure!(started > workers && ended == started, "of {started} threads of the pools {ended} ended");
        Ok(())
    })
}

/// Submits all items, and prints the results in the order of the items. `submit` starts the work on an item.
async fn submit_and_map<F, E: Into<anyhow::Error>>(items: &[Item], submit: impl Fn(Item) -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<(u64, ThreadId), E>>,
{
    // Every item is submitted before the first result is awaited. Otherwise only one thread would work at a time.
    let submitted: Vec<F> = items.iter().map(|&item| submit(item)).collect();
    for (result, (number, _)) in submitted.into_iter().zip(items) {
        let (cube, thread) = lanes::wait_for("the next result", result).await.map_err(Into::into)?;
        println!("the cube of {number} is {cube}");
        ensure!(cube == number.pow(3), "the cube of {number} is wrong, or it is the result of another number");
        ensure!(thread != thread::current().id(), "the thread of the event loop cubed {number}");
    }
    Ok(())
}

/// Computes a cube, and says which thread did it. A blocking sleep stands in for the work.
fn cube((number, work): Item) -> (u64, ThreadId) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a thread");
    let _lane = lanes::lane(name);
    MOST_WORKING.fetch_max(WORKING.fetch_add(1, SeqCst) + 1, SeqCst);
    lanes::sleep("work: cubes a number", work);
    println!("{name} has cubed {number}");
    WORKING.fetch_sub(1, SeqCst);
    (number.pow(3), thread.id())
}

//! Async code gives blocking work to a pool of two threads: first to tokio's blocking threads, then to rayon's threads.
//!
//! A call that blocks or computes for long must not run in a task, because it keeps the thread of the event loop. A
//! thread of a pool runs it instead, and the task awaits the result. `spawn_blocking` is for calls that block, such as
//! reading a file: its threads mostly wait, so there may be many (by default up to 512). A rayon pool is for
//! computation, and its results come back through oneshot channels. By default a rayon pool has one thread for each
//! core; here each pool has at most `--workers` threads. (`ch5_async/src/pools.rs` makes the pools and counts their threads.)
//!
//! Run:       cargo run --bin thread_pool -- --timeline
//! Observe:   the threads end their work in another order than the results are printed, because `main` awaits the
//!            results in the order of the items. At most `--workers` threads work at the same time, and `main` waits.
//! Exercise:  replace `spawn_blocking(move || cube(item))` by `async move { anyhow::Ok(cube(item)) }`. The program
//!            still compiles. Which thread cubes now, when does it begin, and which `ensure!` fails?

use std::process::ExitCode;
use std::thread::{self, ThreadId};
use std::{iter, time::Duration};

use anyhow::{Context, ensure};
use ch5_async::pools::{Counts, counted, counts, event_loop, rayon_pool};
use course::{lanes, lesson};
use rand::RngExt;
use tokio::{sync::oneshot, task::spawn_blocking};

#[derive(clap::Parser)]
struct Args {
    /// Threads in each pool
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=400))]
    workers: u16,
    /// The items are 3 and this number of even numbers: 2, 4, 6, ...
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    items: u64,
}

/// A number to cube, and how long the work on it takes.
type Item = (u64, Duration);

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let workers = args.workers.into();
        let work = |number| lesson.pause(lesson.rng(number).random_range(0.5..2.0));
        let numbers = iter::once(3).chain((1..=args.items).map(|item| 2 * item));
        let items: Vec<Item> = numbers.map(|number| (number, work(number))).collect();

        println!("blocking threads of tokio, at most {workers}:");
        let event_loop = event_loop(workers)?;
        event_loop.block_on(submit_and_map(&items, |item| spawn_blocking(move || cube(item))))?;

        println!("threads of rayon, {workers}:");
        // A scoped pool joins its threads at its end. A pool that is not scoped only tells its threads to end when it
        // is dropped.
        let done = rayon_pool(workers).build_scoped(rayon::ThreadBuilder::run, |pool| {
            event_loop.block_on(submit_and_map(&items, |item| {
                let (done, result) = oneshot::channel();
                pool.spawn(move || _ = done.send(cube(item)));
                result
            }))
        });
        done.context("starting the rayon pool")??;
        drop(event_loop); // This joins the blocking threads.

        let Counts { started, ended, most_working, .. } = counts();
        println!("threads started: {started}, ended: {ended}, at most {most_working} worked at the same time");
        ensure!(most_working <= workers, "{most_working} threads worked at the same time, in a pool of {workers}");
        // All rayon threads and at least one blocking thread have started, and all have ended.
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
    counted(|| {
        lanes::sleep("work: cubes a number", work);
        println!("{name} has cubed {number}");
    });
    (number.pow(3), thread.id())
}

//! The start and the end of a worker that does next to nothing.
//!
//! Each way starts one worker and waits for its end, again and again. Only `rayon task` starts all tasks of a scope and then
//! waits for all of them: its price is the time divided by the number of tasks.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch1_parallel::kernels::pool;
use ch3_processes::{Child, Pool, spawn};
use tokio::runtime::Builder;

use super::turn::{seconds_each, timed};
use super::{Operation, Way};

/// The ways to have a worker, from the cheapest kind to the dearest. A pool and an event loop are warm.
pub fn ways() -> Vec<Way> {
    let way = |name, measure| Way { operation: Operation::StartAndEnd, name, workers: 1, measure };
    vec![
        way("rayon join", rayon_join),
        way("rayon task", rayon_task),
        way("tokio task", tokio_task),
        way("std thread", std_thread),
        way("scoped thread", scoped_thread),
        way("task of a pool of processes", pool_task),
        way("process", process),
    ]
}

fn std_thread(_: usize, turn: Duration) -> anyhow::Result<f64> {
    seconds_each(turn, 8, |count| {
        timed(count, |number| {
            // The function returns a number and does not panic.
            let returned = thread::spawn(move || number).join().expect("no panic");
            ensure!(returned == number, "the thread returned {returned}, not {number}");
            Ok(())
        })
    })
}

fn scoped_thread(_: usize, turn: Duration) -> anyhow::Result<f64> {
    seconds_each(turn, 8, |count| {
        timed(count, |number| {
            let returned = thread::scope(|scope| scope.spawn(|| number).join().expect("no panic"));
            ensure!(returned == number, "the thread returned {returned}, not {number}");
            Ok(())
        })
    })
}

/// The second closure of a join is a task. An idle thread may steal it.
fn rayon_join(_: usize, turn: Duration) -> anyhow::Result<f64> {
    pool(2)?.install(|| {
        seconds_each(turn, 1000, |count| {
            timed(count, |number| {
                let (one, other) = rayon::join(|| black_box(number), || black_box(number + 1));
                ensure!(one + 1 == other, "the task returned {other}, not {}", number + 1);
                Ok(())
            })
        })
    })
}

/// Tasks of a scope, which ends when all of them have ended.
fn rayon_task(_: usize, turn: Duration) -> anyhow::Result<f64> {
    pool(2)?.install(|| {
        seconds_each(turn, 1000, |count| {
            let ran = AtomicU64::new(0);
            let start = Instant::now();
            rayon::scope(|scope| {
                for _ in 0..count {
                    scope.spawn(|_| {
                        ran.fetch_add(1, Relaxed);
                    });
                }
            });
            let time = start.elapsed();
            ensure!(ran.load(Relaxed) == count, "{} tasks ran, not {count}", ran.load(Relaxed));
            Ok(time)
        })
    })
}

/// The thread that calls `block_on` runs no tasks, so a task measures.
fn tokio_task(_: usize, turn: Duration) -> anyhow::Result<f64> {
    let event_loop = Builder::new_multi_thread().worker_threads(2).build()?;
    seconds_each(turn, 100, |count| {
        let one_by_one = event_loop.spawn(async move {
            let start = Instant::now();
            for number in 0..count {
                let returned = tokio::spawn(async move { number }).await?;
                ensure!(returned == number, "the task returned {returned}, not {number}");
            }
            Ok(start.elapsed())
        });
        event_loop.block_on(one_by_one)?
    })
}

pub fn nothing() -> anyhow::Result<()> {
    Ok(())
}

fn process(_: usize, turn: Duration) -> anyhow::Result<f64> {
    seconds_each(turn, 4, |count| timed(count, |_| Ok(spawn("nothing", nothing, ()).and_then(Child::join)?)))
}

pub fn same(number: u64) -> anyhow::Result<u64> {
    Ok(number)
}

fn pool_task(_: usize, turn: Duration) -> anyhow::Result<f64> {
    let mut pool = Pool::new("same", 2, same)?;
    let mut one = |number| {
        let ticket = pool.submit(number);
        let returned = pool.join(ticket)?;
        ensure!(returned == number, "the task returned {returned}, not {number}");
        Ok(())
    };
    // Not timed: the processes may not have started yet.
    timed(10, &mut one)?;
    seconds_each(turn, 16, |count| timed(count, &mut one))
}

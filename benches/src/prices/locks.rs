//! A lock around a counter, acquired and released by one worker or by several at the same time.

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use ch3_processes::{Child, Lock, join_all, spawn};
use course::clock::Moment;
use tokio::runtime::Builder;

use super::turn::seconds_each;
use super::{Operation, Way};

/// The locks, with one worker.
pub fn free() -> Vec<Way> {
    of(Operation::FreeLock, 1)
}

/// The locks, with several workers that want them again and again.
pub fn contended(workers: usize) -> Vec<Way> {
    of(Operation::ContendedLock, workers)
}

fn of(operation: Operation, workers: usize) -> Vec<Way> {
    let way = |name, measure| Way { operation, name, workers, measure };
    vec![
        way("std mutex", std_mutex),
        way("parking_lot mutex", parking_lot_mutex),
        way("tokio mutex", tokio_mutex),
        way("lock of processes", process_lock),
    ]
}

fn std_mutex(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    let counter = Mutex::new(0);
    // No thread panics while it holds the lock.
    of_threads(workers, turn, || *counter.lock().expect("no panic") += 1, || *counter.lock().expect("no panic"))
}

fn parking_lot_mutex(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    let counter = parking_lot::Mutex::new(0);
    of_threads(workers, turn, || *counter.lock() += 1, || *counter.lock())
}

/// Each of the threads increments the counter as often as the others. `value` reads it.
fn of_threads(
    workers: usize,
    turn: Duration,
    increment: impl Fn() + Sync,
    value: impl Fn() -> u64,
) -> anyhow::Result<f64> {
    seconds_each(turn, 256 * workers as u64, |count| {
        let (before, each) = (value(), count / workers as u64);
        let ends = Barrier::new(workers);
        let all = || {
            ends.wait();
            let start = Moment::now();
            (0..each).for_each(|_| increment());
            (start, Moment::now())
        };
        let spans = thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|_| scope.spawn(all)).collect();
            let own = all();
            others.into_iter().map(|other| other.join().expect("no panic")).chain([own]).collect::<Vec<_>>()
        });
        check(value() - before, each * workers as u64)?;
        Ok(from_first_to_last(&spans))
    })
}

/// The time from the first start to the last end. A worker that is woken late from the barrier must not start the clock: by
/// then others have done a part of the work.
fn from_first_to_last(spans: &[(Moment, Moment)]) -> Duration {
    let first = spans.iter().map(|(start, _)| *start).min().unwrap_or_default();
    spans.iter().map(|(_, end)| end.since(first)).max().unwrap_or_default()
}

fn check(counted: u64, right: u64) -> anyhow::Result<()> {
    ensure!(counted == right, "the workers counted to {counted}, not to {right}");
    Ok(())
}

fn tokio_mutex(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    let event_loop = Builder::new_multi_thread().worker_threads(workers).build()?;
    seconds_each(turn, 256 * workers as u64, |count| {
        let each = count / workers as u64;
        let counter = std::sync::Arc::new(tokio::sync::Mutex::new(0));
        let start = Instant::now();
        let tasks: Vec<_> = (0..workers)
            .map(|_| {
                let counter = counter.clone();
                event_loop.spawn(async move {
                    for _ in 0..each {
                        *counter.lock().await += 1;
                    }
                })
            })
            .collect();
        event_loop.block_on(async {
            for task in tasks {
                task.await?;
            }
            anyhow::Ok(())
        })?;
        let time = start.elapsed();
        check(event_loop.block_on(async { *counter.lock().await }), each * workers as u64)?;
        Ok(time)
    })
}

/// Increments the counter, and returns when it began and when it ended.
pub fn increment(counter: Lock<u64>, ends: ch3_processes::Barrier, each: u64) -> anyhow::Result<(Moment, Moment)> {
    ends.wait()?;
    let start = Moment::now();
    for _ in 0..each {
        *counter.lock().map_err(|_| anyhow!("a process died while it held the lock"))? += 1;
    }
    Ok((start, Moment::now()))
}

fn process_lock(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    // Each number of increments needs new processes, so the first one is large.
    seconds_each(turn, 1024 * workers.max(16) as u64, |count| {
        let (counter, ends, each) = (Lock::new(0)?, ch3_processes::Barrier::new(workers)?, count / workers as u64);
        let start = |worker| spawn(format!("worker {worker}"), increment, (counter.clone(), ends.clone(), each));
        let children: Vec<Child<(Moment, Moment)>> = (1..workers).map(start).collect::<Result<_, _>>()?;
        let own = increment(counter.clone(), ends, each)?;
        let mut spans = join_all(children)?;
        spans.push(own);
        let counted = *counter.lock().map_err(|_| anyhow!("a process died while it held the lock"))?;
        check(counted, each * workers as u64)?;
        Ok(from_first_to_last(&spans))
    })
}

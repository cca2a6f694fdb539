//! A barrier at which all workers meet again and again.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch2_threads::spin_barrier::SpinBarrier;
use ch3_processes::{Child, Counters, join_all, spawn};

use super::turn::seconds_each;
use super::{Operation, Way};

/// The barriers of threads and of processes.
pub fn ways(workers: usize) -> Vec<Way> {
    let way = |name, measure| Way { operation: Operation::Barrier, name, workers, measure };
    vec![
        way("std barrier", std_barrier),
        way("spinning barrier of threads", spin_barrier),
        way("barrier of processes", process_barrier),
    ]
}

fn std_barrier(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    let barrier = Barrier::new(workers);
    of_threads(workers, turn, || barrier.wait().is_leader())
}

fn spin_barrier(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    let barrier = SpinBarrier::new(workers);
    of_threads(workers, turn, || barrier.wait())
}

/// `wait` waits at the barrier and returns `true` in one of the threads.
fn of_threads(workers: usize, turn: Duration, wait: impl Fn() -> bool + Sync) -> anyhow::Result<f64> {
    seconds_each(turn, 16, |count| {
        let chosen = AtomicU64::new(0);
        let meet = |times: u64| {
            let own = (0..times).filter(|_| wait()).count();
            chosen.fetch_add(own as u64, Relaxed);
        };
        let time = thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|| meet(count + 1));
            }
            // The threads have started once they have met.
            meet(1);
            let start = Instant::now();
            meet(count);
            start.elapsed()
        });
        check(chosen.into_inner(), count)?;
        Ok(time)
    })
}

/// Each time that the barrier opens, it chooses one worker.
fn check(chosen: u64, count: u64) -> anyhow::Result<()> {
    ensure!(chosen == count + 1, "the barrier opened {chosen} times, not {}", count + 1);
    Ok(())
}

/// Meets until the number of meetings is `end`, which is 0 before the end is known. Returns in how many this worker was
/// chosen.
pub fn meet(barrier: ch3_processes::Barrier, end: Counters) -> anyhow::Result<u64> {
    let (mut chosen, mut meetings) = (0, 0);
    while meetings == 0 || meetings != end[0].load(Relaxed) {
        chosen += u64::from(barrier.wait()?);
        meetings += 1;
    }
    Ok(chosen)
}

fn process_barrier(workers: usize, turn: Duration) -> anyhow::Result<f64> {
    let (barrier, end) = (ch3_processes::Barrier::new(workers)?, Counters::new(1)?);
    let names = (1..workers).map(|worker| format!("worker {worker}"));
    let children: Result<Vec<Child<u64>>, _> =
        names.map(|name| spawn(&name, meet, (barrier.clone(), end.clone()))).collect();
    let (children, mut chosen, mut meetings) = (children?, 0, 0);
    let mut meet = |times: u64| {
        meetings += times;
        (0..times).try_for_each(|_| barrier.wait().map(|is_chosen| chosen += u64::from(is_chosen)))
    };
    // Not timed: the processes have started once they have met.
    meet(1)?;
    let seconds = seconds_each(turn, 16, |count| {
        let start = Instant::now();
        meet(count)?;
        Ok(start.elapsed())
    })?;
    // The number is there before the last meeting, so all workers see it after that one.
    end[0].store(meetings + 1, Relaxed);
    chosen += u64::from(barrier.wait()?);
    chosen += join_all(children)?.into_iter().sum::<u64>();
    check(chosen, meetings)?;
    Ok(seconds)
}

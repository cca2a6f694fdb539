//! Processes add to a counter in shared memory: without a lock additions are lost, with a lock the result is exact.
//!
//! An addition reads the value, computes and writes. If several processes read the same value before one of them
//! writes, only one addition remains. With a lock, one process at a time does all three steps. If the holder of the
//! lock is killed, the system gives the lock to the next process. `lock` then returns `Abandoned`, because the value
//! may be only half changed.
//!
//! Run:       cargo run --bin process_lock -- --workers 4 --rounds 3 --timeline
//! Observe:   without the lock, only a part of the additions is in the counter; with the lock, all are. The `--svg` shows
//!            that one process at a time works with the lock. At the end, `next` gets the lock of the killed `holder`.
//! Python:    a `multiprocessing.Lock` whose holder is killed stays locked: the other processes wait for ever.
//! Exercise:  let `add_with_lock` hold the lock only while it reads: add `drop(guard);` before the `sleep`, and replace
//!            the line `*guard = value + 1;` by `*counter.lock().unwrap() = value + 1;`. How many additions are lost?
//!            What is different in the chart?

use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use ch3_processes::{Barrier, Counters, Lock, Sender, children, join_all, pipe, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Processes that add
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=200))]
    workers: u32,
    /// How many times each process adds 1
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
}

fn main() -> ExitCode {
    children![add_without_lock, add_with_lock, hold, take_over];
    lesson::run!(|args: Args, lesson| {
        let Args { workers, rounds } = args;
        println!("{workers} processes add 1 to a counter, {rounds} times each");

        let counter = Counters::new(1).context("a counter")?;
        let all_have_read = Barrier::new(workers as usize).context("a barrier")?;
        let add = |number| {
            let arguments = (rounds, counter.clone(), all_have_read.clone());
            spawn(format!("without {number}"), add_without_lock, arguments)
        };
        let processes = (1..=workers).map(add).collect::<Result<Vec<_>, _>>()?;
        join_all(processes)?;
        let (count, right) = (counter[0].load(SeqCst), u64::from(workers) * u64::from(rounds));
        println!("without a lock: {count} of {right} additions are in the counter");
        ensure!(count == u64::from(rounds), "in each round one addition remains, but the counter is {count}");

        let (counter, work) = (Lock::new(0).context("a lock")?, lesson.pause(0.1));
        let add = |number| spawn(format!("with {number}"), add_with_lock, (rounds, work, counter.clone()));
        let processes = (1..=workers).map(add).collect::<Result<Vec<_>, _>>()?;
        join_all(processes)?;
        let count = *counter.lock().map_err(|abandoned| anyhow!("{abandoned}"))?;
        println!("with the lock:  {count} of {right} additions are in the counter");
        ensure!(count == right, "{count} additions are in the counter, not {right}");

        let (held_in, mut held) = pipe().context("a pipe")?;
        let mut holder = spawn("holder", hold, (counter.clone(), held_in))?;
        lanes::wait("holder has the lock", || held.recv())?;
        let next = spawn("next", take_over, (counter,))?;
        // For the picture only: it shows that `next` waits.
        lanes::sleep("pause", lesson.pause(1.0));
        holder.kill()?;
        let abandoned = next.join()?;
        ensure!(abandoned, "`lock` did not tell `next` that the holder was killed");
        Ok(())
    })
}

fn add_without_lock(rounds: u32, counter: Counters, all_have_read: Barrier) -> anyhow::Result<()> {
    for _ in 0..rounds {
        let value = counter[0].load(SeqCst);
        // The worst case, every time: all processes have read the same value when the first one writes.
        lanes::wait("all have read", || all_have_read.wait())?;
        counter[0].store(value + 1, SeqCst);
        lanes::wait("all have written", || all_have_read.wait())?;
    }
    Ok(())
}

fn add_with_lock(rounds: u32, work: Duration, counter: Lock<u64>) -> anyhow::Result<()> {
    for _ in 0..rounds {
        let mut guard = lanes::wait("the lock", || counter.lock()).map_err(|abandoned| anyhow!("{abandoned}"))?;
        let value = *guard;
        lanes::sleep("work: adds", work);
        *guard = value + 1;
    }
    Ok(())
}

/// Takes the lock, tells the parent, and keeps the lock until the process is killed.
fn hold(counter: Lock<u64>, mut held: Sender<()>) -> anyhow::Result<()> {
    let _guard = lanes::wait("the lock", || counter.lock()).map_err(|abandoned| anyhow!("{abandoned}"))?;
    println!("holder has the lock");
    held.send(&())?;
    lanes::sleep("work: holds the lock until it is killed", Duration::MAX);
    Ok(())
}

/// Returns whether the last holder of the lock died while it held the lock.
fn take_over(counter: Lock<u64>) -> anyhow::Result<bool> {
    let Err(abandoned) = lanes::wait("the lock", || counter.lock()) else { return Ok(false) };
    println!("next has the lock and is told: {abandoned}");
    let value = *abandoned.into_guard();
    println!("next finds {value} in the counter and must check it");
    Ok(true)
}

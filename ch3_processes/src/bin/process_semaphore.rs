//! Five processes want to use a resource that has room for two at a time.
//!
//! A semaphore counts permits. A process that gets a permit continues; a process that finds none blocks until another
//! process releases a permit. With one permit a semaphore works like a lock, with three it lets three processes in.
//! Unlike a lock, a semaphore does not know which process has a permit: the permit of a process that is killed is lost.
//!
//! Run:       cargo run --bin process_semaphore -- --workers 5 --permits 2 --timeline
//! Observe:   the number of processes inside reaches the number of permits and never exceeds it. In the chart, the
//!            other processes wait for a permit.
//! Python:    `multiprocessing.Semaphore` does the same; there too the permit of a process that is killed is lost.
//! Exercise:  let process 1 lose its permit: replace `drop(permit);` by
//!            `if number == 1 { permit.forget() } else { drop(permit) }`. How many processes are inside at a time after
//!            process 1 has gone out? What happens with `--permits 1`, and what does the program say after Ctrl-C?

use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use anyhow::{Context, ensure};
use ch3_processes::{Barrier, Counters, Semaphore, children, join_all, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Processes that want the resource
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
    /// How many processes may be inside at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=400))]
    permits: u32,
}

fn main() -> ExitCode {
    children![visit];
    lesson::run!(|args: Args, lesson| {
        println!("processes: {}, permits: {}", args.workers, args.permits);
        let first = args.permits.min(args.workers);
        let semaphore = Semaphore::new(args.permits).context("a semaphore")?;
        let counters = Counters::new(2).context("counters")?;
        let room_is_full = Barrier::new(first as usize).context("a barrier")?;

        let mut processes = Vec::new();
        for number in 1..=args.workers {
            let room = (semaphore.clone(), counters.clone(), room_is_full.clone());
            processes.push(spawn(format!("process {number}"), visit, (number, first, lesson.pause(2.0), room))?);
        }
        let inside = join_all(processes)?;

        let most = inside.into_iter().max().unwrap_or_default();
        println!("at most {most} processes were inside at a time");
        ensure!(most == u64::from(first), "at most {most} processes were inside, not {first}");
        Ok(())
    })
}

const INSIDE: usize = 0;
const ENTERED: usize = 1;

/// Uses the resource for a while, and returns how many processes were inside when this one had come in.
fn visit(
    number: u32,
    first: u32,
    work: Duration,
    (semaphore, counters, room_is_full): (Semaphore, Counters, Barrier),
) -> anyhow::Result<u64> {
    let permit = lanes::wait("a permit", || semaphore.acquire());
    let inside = counters[INSIDE].fetch_add(1, SeqCst) + 1;
    println!("process {number} comes in: {inside} inside");
    // The first processes wait inside until all permits are taken, so that the highest number does not depend on chance.
    if counters[ENTERED].fetch_add(1, SeqCst) < first.into() {
        lanes::wait("the room is full", || room_is_full.wait())?;
    }
    lanes::sleep("work: uses the resource", work);
    counters[INSIDE].fetch_sub(1, SeqCst);
    println!("process {number} goes out");
    drop(permit);
    Ok(inside)
}

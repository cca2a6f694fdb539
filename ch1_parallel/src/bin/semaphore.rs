//! Five threads use a resource that has room for one thread at a time.
//!
//! A semaphore counts permits. A thread that gets a permit continues; if no permit is free, the thread blocks until
//! another thread releases a permit. With one permit a semaphore excludes like a lock; with three permits it lets three
//! threads in. Unlike a lock, a semaphore may be released by a thread that has not acquired it: see `semaphore_signal`
//! in chapter 2. The standard library has no semaphore. The semaphore of this course, `ch1_parallel/src/semaphore.rs`,
//! is made of a lock and a condition variable: if you copy this file, copy that one too.
//!
//! Run:       cargo run --bin semaphore -- --permits 2 --timeline
//! Observe:   there are never more threads inside than permits. With two permits the five threads need three turns, so
//!            the run takes three times as long as one thread sleeps.
//! Exercise:  let each thread acquire two permits, one after the other: after the line with `acquire`, add the same
//!            line with another name. Run it with `--permits 1 --timeline` and end it with Ctrl-C: the program draws
//!            the picture and says what each thread waits for. What is the smallest number of permits with which the
//!            five threads can never all block? Think of the moment when every thread has one permit.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch1_parallel::Semaphore;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Number of threads that use the resource
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    /// How many threads may use it at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    permits: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let permits = usize::from(args.permits);
        let room = Room { semaphore: Semaphore::new(permits), inside: AtomicUsize::new(0), stay: lesson.pause(2.0) };

        let start = Instant::now();
        let counts = thread::scope(|scope| {
            let room = &room;
            let spawn = |number| scope.spawn(move || visit(number, room));
            let threads: Vec<_> = (0..args.workers).map(spawn).collect();
            lanes::join_all(threads)
        });
        let most = counts.into_iter().max().unwrap_or(0);

        println!("{} threads in {:.2} s, at most {most} at a time", args.workers, start.elapsed().as_secs_f64());
        let turns = args.workers.div_ceil(args.permits);
        ensure!((1..=permits).contains(&most), "{most} threads were inside with {permits} permits");
        ensure!(start.elapsed() >= room.stay * turns.into(), "the run is too short for {turns} turns");
        Ok(())
    })
}

struct Room {
    semaphore: Semaphore,
    inside: AtomicUsize,
    stay: Duration,
}

/// Uses the resource for a while. Returns how many threads were inside when this thread had entered.
fn visit(number: u16, room: &Room) -> usize {
    let _lane = lanes::lane(format_args!("thread {number}"));
    let _permit = lanes::wait("permit", || room.semaphore.acquire());
    let inside = room.inside.fetch_add(1, SeqCst) + 1;
    println!("thread {number} has the resource");
    lanes::sleep("work: uses the resource", room.stay);
    println!("thread {number} gives it back");
    room.inside.fetch_sub(1, SeqCst);
    inside // The permit is dropped here, which releases it.
}

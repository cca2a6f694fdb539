//! Five threads want a resource that has room for one at a time.
//!
//! A semaphore counts permits. Who takes one may go on; who finds none waits until another gives one back. With one permit
//! it excludes like a lock, with three it lets three in. Unlike a lock it may also be given back by another thread than the
//! one that took it: see `semaphore_signal` in chapter 2. std has none. This one is `ch1_parallel/src/semaphore.rs`, of a lock
//! and a condition variable: whoever copies this file needs that one too.
//!
//! Run:       cargo run --bin semaphore -- --permits 2 --timeline
//! Observe:   never are more threads inside than there are permits, and the run takes as long as its longest queue.
//! Exercise:  let each thread take two permits. With how many permits can all of them come to a standstill?

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch1_parallel::Semaphore;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Threads that want the resource
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    /// How many may have it at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    permits: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let permits = usize::from(args.permits);
        let room = Room { semaphore: Semaphore::new(permits), inside: AtomicUsize::new(0), hold: lesson.pause(2.0) };

        let start = Instant::now();
        let most = thread::scope(|scope| {
            let visit = |number| {
                scope.spawn({
                    let room = &room;
                    move || visit(number, room)
                })
            };
            let visitors: Vec<_> = (0..args.workers).map(visit).collect();
            // A thread panics only if the program is wrong.
            let seen = visitors.into_iter().map(|visitor| lanes::join(visitor));
            seen.max().unwrap_or(0)
        });

        println!("{} threads in {:.2} s, at most {most} at a time", args.workers, start.elapsed().as_secs_f64());
        let turns = args.workers.div_ceil(args.permits);
        ensure!((1..=permits).contains(&most), "{most} threads were inside with {permits} permits");
        ensure!(start.elapsed() >= room.hold * turns.into(), "some thread was let in early");
        Ok(())
    })
}

struct Room {
    semaphore: Semaphore,
    inside: AtomicUsize,
    hold: Duration,
}

/// Holds the resource for a while and returns how many were inside then.
fn visit(number: u16, room: &Room) -> usize {
    let _lane = lanes::lane(format_args!("thread {number}"));
    let _permit = lanes::wait("permit", || room.semaphore.acquire());
    let inside = room.inside.fetch_add(1, SeqCst) + 1;
    println!("thread {number} has the resource");
    lanes::sleep("holds", room.hold);
    println!("thread {number} gives it back");
    room.inside.fetch_sub(1, SeqCst);
    inside // The permit goes back here.
}

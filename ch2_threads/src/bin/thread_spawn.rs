//! Ten threads call the same function with their number.
//!
//! A thread runs at the same time as the thread that spawned it, until its function returns. `join` waits for that and
//! returns the function's result. Spawn all threads first, then join them. If the loop that spawns the threads also
//! joins each of them, a thread begins only after the thread before it has ended: the threads run one after the other.
//!
//! Run:       cargo run --bin thread_spawn -- --workers 3 --timeline
//! Observe:   the threads print in any order; the results come in the order of the joins. All threads meet at a
//!            barrier, which is possible only because all threads live at the same time.
//! Python:    the original joins inside the loop: ten threads, and never two at the same time.
//! Exercise:  join inside the loop: replace `scope.spawn(...)` by `lanes::join(scope.spawn(...))`, and
//!            `lanes::join_all(threads)` by `threads`. Which thread waits at the barrier, and for what? End the program
//!            with Ctrl-C.

use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Number of threads
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let all_live = &Barrier::new(args.workers.into());

        let results = thread::scope(|scope| {
            let spawn = |number| scope.spawn(move || my_func(number, all_live));
            // Collected, so that all threads are spawned before the first is joined.
            let threads: Vec<_> = (0..args.workers).map(spawn).collect();
            lanes::join_all(threads)
        });

        println!("the results in the order of the joins: {results:?}");
        ensure!(results.into_iter().eq((0..args.workers).map(|number| u32::from(number).pow(2))), "a result is wrong");
        Ok(())
    })
}

/// Squares its number.
fn my_func(number: u16, all_live: &Barrier) -> u32 {
    let _lane = lanes::lane(format_args!("thread {number}"));
    lanes::wait("barrier", || all_live.wait());
    println!("my_func called by thread {number}");
    u32::from(number).pow(2)
}

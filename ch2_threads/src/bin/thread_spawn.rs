//! Ten threads call the same function with their number.
//!
//! A thread runs at the same time as the one that started it, until its function returns: `join` waits for that and takes what
//! it returned. Start all, then join all. A join inside the loop that starts them waits for each thread before the next
//! one begins, and the threads run one after the other.
//!
//! Run:       cargo run --bin thread_spawn -- --workers 3 --timeline
//! Observe:   the lines come in any order, the results in the order of the joins. Every thread meets all the others at a
//!            barrier, which is possible only because all of them live at the same time.
//! Python:    the original joins inside the loop: ten threads, and never two at once.
//! Exercise:  join inside the loop here too. Who waits at the barrier, and for whom?

use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Threads
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let all_live = Barrier::new(args.workers.into());

        let results: Vec<_> = thread::scope(|scope| {
            // Collected, so that all are started before the first is joined.
            let threads: Vec<_> = (0..args.workers)
                .map(|number| {
                    let all_live = &all_live;
                    scope.spawn(move || my_func(number, all_live))
                })
                .collect();
            // A thread panics only if the program is wrong.
            lanes::join_all(threads)
        });

        ensure!(results.iter().copied().eq((0..args.workers).map(u32::from).map(|n| n * n)), "results: {results:?}");
        Ok(())
    })
}

fn my_func(number: u16, all_live: &Barrier) -> u32 {
    let _lane = lanes::lane(format_args!("thread {number}"));
    lanes::wait("barrier", || all_live.wait());
    println!("my_func called by thread {number}");
    u32::from(number).pow(2)
}

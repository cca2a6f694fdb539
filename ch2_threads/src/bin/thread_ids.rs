//! Two named threads print the id of the process and of the thread that runs them.
//!
//! All threads of a program are in one process: they have its id, its memory and its open files. What tells them apart is the
//! id of the thread. There are two: Rust's `ThreadId`, unique in the program for as long as it runs, and the system's, which
//! `top -H` shows and which may be used again later. The main thread's system id is that of the process.
//!
//! Run:       cargo run --bin thread_ids -- --timeline
//! Observe:   one process id, and as many thread ids as threads.
//! Python:    the line of the original that would print the process id is commented out, so the comparison is missing.
//! Exercise:  print the ids from the children of `process_creation` too. Which of them are equal now?

use std::collections::HashSet;
use std::process::{ExitCode, id};
use std::sync::Barrier;
use std::thread::{self, Builder, ThreadId};

use anyhow::ensure;
use course::{lanes, lesson};
use rustix::thread::gettid;

#[derive(clap::Parser)]
struct Args {
    /// Threads beside the main thread
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        // The system's ids are unique only among threads that live: so none ends before all have theirs.
        let all_live = Barrier::new(args.workers.into());
        let main = say("main");

        let ids = thread::scope(|scope| {
            let start = |number| {
                let name = format!("thread {number}");
                let all_live = &all_live;
                let thread = Builder::new().name(name.clone()).spawn_scoped(scope, move || {
                    let _lane = lanes::lane(&name);
                    let ids = say(&name);
                    lanes::wait("barrier", || all_live.wait());
                    ids
                });
                // Not returned as an error: the threads that live would wait at the barrier for the one that does not.
                thread.expect("failed to spawn thread")
            };
            let threads: Vec<_> = (1..=args.workers).map(start).collect();
            // A thread panics only if the program is wrong.
            let ids = threads.into_iter().map(|thread| lanes::join(thread));
            [main].into_iter().chain(ids).collect::<Vec<_>>()
        });

        let different = |of: fn(&Ids) -> String| ids.iter().map(of).collect::<HashSet<_>>().len();
        ensure!(different(|ids| ids.process.to_string()) == 1, "the threads are in several processes");
        ensure!(different(|ids| format!("{:?}", ids.rust)) == ids.len(), "two threads have the same ThreadId");
        ensure!(different(|ids| ids.system.to_string()) == ids.len(), "two threads have the same id in the system");
        ensure!(ids[0].system == ids[0].process, "the main thread has not the id of the process");
        Ok(())
    })
}

struct Ids {
    process: u32,
    rust: ThreadId,
    system: u32,
}

fn say(name: &str) -> Ids {
    let ids =
        Ids { process: id(), rust: thread::current().id(), system: gettid().as_raw_nonzero().get().unsigned_abs() };
    println!("{name}: process {}, thread {}, {:?}", ids.process, ids.system, ids.rust);
    ids
}

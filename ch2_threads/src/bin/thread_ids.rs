//! Two named threads print the id of the process and of the thread that runs them.
//!
//! All threads of a program are in one process: they share its id, its memory and its open files. Each thread has two
//! ids of its own: Rust's `ThreadId`, which no later thread of the program gets again, and the id of the system, which
//! `top -H` shows and which a later thread may get again. For the main thread, the id of the system is the id of the
//! process.
//!
//! Run:       cargo run --bin thread_ids -- --timeline
//! Observe:   all threads print the same process id, and each thread prints different thread ids.
//! Python:    the line of the original that would print the process id is commented out, so the comparison is missing.
//! Exercise:  let the children of chapter 1's `process_creation` print `std::thread::current().id()` too. Which ids of
//!            its two children are equal, and which ids are equal here?

use std::collections::HashSet;
use std::process::{ExitCode, id};
use std::sync::Barrier;
use std::thread::{self, Builder, ThreadId};

use anyhow::ensure;
use course::{lanes, lesson};
use rustix::thread::gettid;

#[derive(clap::Parser)]
struct Args {
    /// Number of threads beside the main thread
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        // The system's ids are different only while the threads live. So no thread ends before all threads have their ids.
        let all_live = Barrier::new(args.workers.into());
        let main = print_ids("main");

        let mut ids = thread::scope(|scope| {
            let start = |number| {
                let name = format!("thread {number}");
                let all_live = &all_live;
                let thread = Builder::new().name(name.clone()).spawn_scoped(scope, move || {
                    let _lane = lanes::lane(&name);
                    let ids = print_ids(&name);
                    lanes::wait("barrier", || all_live.wait());
                    ids
                });
                // A panic and no `?`: the threads that run already would wait at the barrier for ever.
                thread.expect("failed to spawn thread")
            };
            let threads: Vec<_> = (1..=args.workers).map(start).collect();
            lanes::join_all(threads)
        });

        ensure!(main.system == main.process, "the main thread's id is not the id of the process");
        ids.push(main);
        let different = |of: fn(&Ids) -> String| ids.iter().map(of).collect::<HashSet<_>>().len();
        ensure!(different(|ids| ids.process.to_string()) == 1, "the threads are in different processes");
        ensure!(different(|ids| format!("{:?}", ids.rust)) == ids.len(), "two threads have the same ThreadId");
        ensure!(different(|ids| ids.system.to_string()) == ids.len(), "two threads have the same id in the system");
        Ok(())
    })
}

struct Ids {
    process: u32,
    rust: ThreadId,
    system: u32,
}

/// Prints the ids of the current thread and returns them.
fn print_ids(name: &str) -> Ids {
    let system = gettid().as_raw_nonzero().get().unsigned_abs();
    let ids = Ids { process: id(), rust: thread::current().id(), system };
    println!("{name}: process {}, thread {}, {:?}", ids.process, ids.system, ids.rust);
    ids
}

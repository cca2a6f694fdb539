//! A thread holds a lock and waits for a job of a pool. The job needs this lock: both threads wait for ever.
//!
//! `rayon::join` runs the first job in the thread that calls it. An idle thread of the pool may steal the second job, and the
//! caller waits until both have ended. If the caller holds a lock meanwhile, a job that needs this lock waits for the
//! caller, and the caller waits for the job. (If no thread steals the job, the caller locks twice: see `double_lock`.) The
//! repair: take the data out of the lock and drop the guard, and only then call `join`.
//!
//! Run:       cargo run --bin lock_in_pool
//!            cargo run --bin lock_in_pool -- --repaired
//! Observe:   the report names the cycle: main holds the rates and waits for the job that the worker runs, and the worker
//!            waits for the rates. The repaired program ends with the total 57. With `--repaired --timeline` the worker
//!            waits until main has a job for it.
//! Exercise:  remove both calls of `stolen` and run the program 100 times. In how many runs does the worker steal the job,
//!            and what does the report say in the other runs?

use std::process::ExitCode;
use std::sync::Barrier;

use anyhow::{Context, ensure};
use course::{lanes, lesson};
use parking_lot::Mutex;
use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

#[derive(clap::Parser)]
struct Args {
    /// The guard is dropped before the jobs begin
    #[arg(long)]
    repaired: bool,
}

struct Rates {
    discount: u32,
    shipping: u32,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let rates = Mutex::new(Rates { discount: 8, shipping: 5 });
        let work = |pool: &ThreadPool| pool.install(|| total(&[10, 20, 30], &rates, args.repaired));
        // The pool has two threads: main, and one that it starts.
        let pool = ThreadPoolBuilder::new().num_threads(2).use_current_thread();
        let total = pool.build_scoped(worker, work).context("starting a thread")?;
        println!("the total is {total}");
        ensure!(total == 57, "the total is {total}");
        Ok(())
    })
}

/// The thread that the pool starts.
fn worker(thread: ThreadBuilder) {
    let _lane = lanes::lane("worker");
    lanes::wait("a job", || thread.run());
}

/// The price of a purchase. Two threads compute it.
fn total(prices: &[u32], rates: &Mutex<Rates>, repaired: bool) -> u32 {
    let guard = lanes::lock("rates", rates, Mutex::lock);
    let discount = guard.discount;
    // The hazard: the guard lives until the end of the function. The repair: it is dropped in this line.
    let _held = (!repaired).then_some(guard);

    // Main goes on when the worker has stolen the second job: the deadlock is certain.
    let is_stolen = Barrier::new(2);
    let stolen = || _ = lanes::meet("the job is stolen", &is_stolen, 2, Barrier::wait);
    let sum = || {
        stolen();
        prices.iter().sum::<u32>()
    };
    let shipping = || {
        stolen();
        lanes::lock("rates", rates, Mutex::lock).shipping
    };
    let (sum, shipping) = lanes::fork_join(["sum", "shipping"], sum, shipping, rayon::join);
    sum - discount + shipping
}

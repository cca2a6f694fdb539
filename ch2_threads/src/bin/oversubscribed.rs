//! Each thread of a pool starts a pool: there are more threads than cores, and the threads that wait keep their cores.
//!
//! A library that starts a thread for each core works well alone. If its caller has done the same, there are cores × cores
//! threads. Fast barriers *spin*: a thread that waits looks again and again whether the others have come, and keeps its
//! core. A thread for which it waits may need this core. The repair: one pool for all the work, with a core for each thread.
//!
//! Run:       cargo run --bin oversubscribed
//!            cargo run --bin oversubscribed -- --repaired
//! Observe:   the report compares the number of threads with the number of cores, and the time of the work with its time in
//!            one pool. With `--workers 1` one thread works, and the program ends without the repair too.
//! Exercise:  replace `spin_loop()` by `thread::yield_now()`, which gives the core to another thread. Which of the two times
//!            changes, and why?

use std::hint::{black_box, spin_loop};
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, available_parallelism};
use std::time::Instant;

use anyhow::{Context, ensure};
use course::lesson::Shown;
use course::{lanes, lesson};
use rayon::ThreadPoolBuilder;

const ROUNDS: usize = 20;
/// After this many looks a thread gives its core away: so the program ends on every machine.
const SPINS: u32 = 20_000;

#[derive(clap::Parser)]
struct Args {
    /// One pool does all the work
    #[arg(long)]
    repaired: bool,
    /// Number of pools, and of threads in each pool [default: the number of cores, but 4 to 8 on most machines]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=8))]
    workers: Option<u8>,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let cores = available_parallelism().map_or(1, usize::from);
        // If there are many cores, smaller pools too have more threads in all than there are cores.
        let workers = args.workers.map_or(cores.clamp(4, 8.max((2 * cores).isqrt() + 1)), usize::from);
        let shares = workers * workers;
        let one_pool = run(1, cores.min(shares), shares)?;
        let nested = run(workers, workers, shares)?;
        ensure!(nested.sum == one_pool.sum, "the sums are {} and {}", nested.sum, one_pool.sum);

        // The hazard: each thread of a pool starts a pool. The repair: one pool, and a core for each of its threads.
        let threads = if args.repaired { one_pool.threads } else { nested.threads };

        let price = format!(
            "the work takes {:.1} ms in pools inside a pool, and {:.1} ms in one pool of {}",
            nested.milliseconds, one_pool.milliseconds, one_pool.threads
        );
        if threads > cores {
            return Err(Shown(format!("oversubscribed: {threads} threads spin on {cores} cores:\n  {price}")).into());
        }
        println!("threads: {threads}, cores: {cores}\n{price}");
        Ok(())
    })
}

struct Run {
    threads: usize,
    sum: usize,
    milliseconds: f64,
}

/// Each round has a number of shares. After a round the threads of each pool wait for each other.
fn run(pools: usize, threads: usize, shares: usize) -> anyhow::Result<Run> {
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().context("starting a pool");
    let outer = pool(pools)?;
    let inner = outer.broadcast(|_| pool(threads)).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let (all, in_all) = (Barrier::new(pools * threads), pools * threads);
    let (running, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let begin = Instant::now();
    let work_in_pool = |pool: usize| {
        let arrived = AtomicUsize::new(0);
        inner[pool].broadcast(|thread| {
            let number = pool * threads + thread.index();
            let _lane = lanes::lane(format_args!("thread {number} of {in_all}"));
            running.fetch_add(1, SeqCst);
            // From here all threads run at the same time.
            lanes::meet("all threads", &all, in_all, Barrier::wait);
            for round in 0..ROUNDS {
                for share in (number..shares).step_by(in_all) {
                    sum.fetch_add(work(round, share), SeqCst);
                }
                lanes::wait("the pool", || spin(&arrived, threads));
            }
        });
    };
    lanes::wait("the pools", || outer.broadcast(|thread| work_in_pool(thread.index())));
    let milliseconds = begin.elapsed().as_secs_f64() * 1e3;
    Ok(Run { threads: running.into_inner(), sum: sum.into_inner(), milliseconds })
}

/// Takes some tens of microseconds.
fn work(round: usize, share: usize) -> usize {
    (0..120_000).fold(round + share, |sum, number| black_box(sum ^ number))
}

/// Returns when `parties` threads have arrived in this round. The threads do not sleep.
fn spin(arrived: &AtomicUsize, parties: usize) {
    let opens_at = (arrived.fetch_add(1, SeqCst) / parties + 1) * parties;
    let mut spins = 0;
    while arrived.load(SeqCst) < opens_at {
        spins += 1;
        if spins % SPINS == 0 { thread::yield_now() } else { spin_loop() }
    }
}

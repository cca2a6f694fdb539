//! The same computation in four ways: one item after the other, by threads, by processes, and by async tasks.
//!
//! Each item counts to `--grain` and multiplies the count by its number. Two workers need half the time if each of them
//! has a core. Processes gain no more than threads, because Rust threads compute at the same time; in Python only one
//! thread at a time runs Python code. Async tasks gain nothing: they share one thread, and a task that computes has no
//! `.await` at which another task could run. Two workers can share six items evenly. With five items the speed-up is at
//! most 1.67. (This file also needs `task` of `ch1_parallel/src/kernels/count.rs`.)
//!
//! Run:       cargo run --release --bin heavy_computation -- --grain 100000000 --timer-bug
//! Observe:   with two cores, threads and processes are nearly twice as fast as sequential, and async is not faster.
//!            The start of the workers is timed apart. The row WRONG is the same run of the processes, timed wrongly.
//! Python:    the original reads the clock before the `with` block of the process pool has ended, when the tasks have
//!            only been handed in. So processes look 75 to 375 times as fast as they are. `--timer-bug` makes the same
//!            mistake. It does not count the start of the processes, so its figure is even larger.
//! Exercise:  make the mistake in the row "processes" too: in `main`, write `handed_in` instead of `processes` in the
//!            call of `report`. Which `ensure!` fails, and how can it tell that the time is wrong?

use std::process::{ExitCode, id};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ch1_parallel::kernels::count::task;
use ch3_processes::{Pool, children};
use course::{lanes, lesson};
use rayon::{ThreadPoolBuilder, prelude::*};

#[derive(clap::Parser)]
struct Args {
    /// Threads in the thread pool, and processes in the process pool
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
    /// Items to compute
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=1000))]
    items: u64,
    /// The number to which each item counts, in steps of about two nanoseconds
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    grain: u64,
    /// Also shows the wrong time of the processes: its clock stops when the tasks are handed in, before they are done
    #[arg(long)]
    timer_bug: bool,
}

/// The result of an item, how long the worker took for it, and the process of the worker.
type Counted = (u64, Duration, u32);

fn main() -> ExitCode {
    children![count];
    lesson::run!(|args: Args, _lesson| {
        let workers = args.workers as usize;
        let items: Vec<_> = (1..=args.items).map(|number| (number, args.grain)).collect();
        println!("{} items, each counts to {}, workers: {workers}", items.len(), args.grain);
        println!("{:<10} {:>10} {:>10} {:>9}", "", "start", "time", "speed-up");
        let (serial, counted) = timed(|| items.iter().map(|&item| count(item)).collect::<Result<Vec<_>, _>>())?;
        let row = |way: &str, start: Duration, time: Duration| {
            println!("{way:<10} {start:>10.3?} {time:>10.3?} {:>9.2}", serial.as_secs_f64() / time.as_secs_f64());
        };
        let report = |way: &str, workers: u32, start, time: Duration, counted: &[Counted]| {
            row(way, start, time);
            let right = counted.iter().map(|one| one.0).eq(items.iter().map(|(number, grain)| number * grain));
            ensure!(right, "{way}: a result is wrong or missing");
            let here = way != "processes";
            ensure!(counted.iter().all(|one| (one.2 == id()) == here), "{way}: a wrong process counted");
            // However busy the machine is, n workers cannot work for longer than n times the time that has passed.
            let worked: Duration = counted.iter().map(|one| one.1).sum();
            ensure!(worked <= time * workers, "{way}: within {time:?}, {workers} workers cannot work for {worked:?}");
            Ok(())
        };
        report("sequential", 1, Duration::ZERO, serial, &counted)?;
        let (start, pool) = timed(|| ThreadPoolBuilder::new().num_threads(workers).build().context("thread pool"))?;
        // An item takes long, so rayon must not join two of them into one piece of work.
        let all = || items.par_iter().with_max_len(1).map(|&item| count(item)).collect::<Result<Vec<_>, _>>();
        let (threads, counted) = timed(|| lanes::wait("threads", || pool.install(all)))?;
        report("threads", args.workers, start, threads, &counted)?;

        let (start, mut pool) = timed(|| Ok(Pool::new("process", workers, count)?))?;
        let (processes, (handed_in, counted)) = timed(|| {
            let (handed_in, tickets) = timed(|| Ok(items.iter().map(|&item| pool.submit(item)).collect::<Vec<_>>()))?;
            Ok((handed_in, tickets.into_iter().map(|ticket| pool.join(ticket)).collect::<Result<Vec<_>, _>>()?))
        })?;
        report("processes", args.workers, start, processes, &counted)?;
        if args.timer_bug {
            row("WRONG", start, handed_in);
            println!("WRONG: the processes, with a clock that stopped before the first result was awaited");
        }
        let (start, event_loop) = timed(|| Ok(tokio::runtime::Builder::new_current_thread().build()?))?;
        let (tasks, counted) = timed(|| event_loop.block_on(by_tasks(&items)))?;
        report("async", 1, start, tasks, &counted)
    })
}

async fn by_tasks(items: &[(u64, u64)]) -> anyhow::Result<Vec<Counted>> {
    let task = |&item: &(u64, u64)| lanes::task(format!("task {}", item.0), async move { count(item) });
    let tasks: Vec<_> = items.iter().map(task).map(tokio::spawn).collect();
    let mut counted = Vec::new();
    for task in tasks {
        counted.push(lanes::wait_for("the next task", task).await??);
    }
    Ok(counted)
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let start = Instant::now();
    work().map(|result| (start.elapsed(), result))
}

fn count((number, grain): (u64, u64)) -> anyhow::Result<Counted> {
    let _lane = rayon::current_thread_index().map(|index| lanes::lane(format_args!("thread {index}")));
    let (time, counted) = timed(|| Ok(lanes::work(&format!("item {number}"), || task(grain))))?;
    Ok((counted * number, time, id()))
}

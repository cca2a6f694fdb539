//! The same computation in four ways: one item after the other, by threads, by processes, and by async tasks.
//!
//! Each item counts to `--grain` and multiplies the count by its number. Two workers need half the time if each of them
//! has a core. Processes gain no more than threads, because Rust threads compute at the same time; in Python only one
//! thread at a time runs Python code. Async tasks gain nothing: they share one thread, and a task that computes has no
//! `.await` at which another task could run. Two workers can share six items evenly. With five items the speed-up is at
//! most 1.67. (`comparison.rs` of the library prints the table. This file also needs `task` of
//! `ch1_parallel/src/kernels/count.rs`, and `Pool` of `ch3_processes`.)
//!
//! Run:       cargo run --release --bin heavy_computation -- --grain 100000000 --timer-bug
//! Observe:   with two cores, threads and processes are nearly twice as fast as sequential, and async is not faster.
//!            The column `start` is the time to create the pool or the event loop; `time` begins after it. The row
//!            WRONG is the same run of the processes, timed wrongly.
//! Python:    the original reads the clock before the `with` block of the process pool has ended, when the tasks have
//!            only been handed in. So processes look 75 to 375 times as fast as they are. `--timer-bug` makes the same
//!            mistake. It does not count the start of the processes, so its figure is even larger.
//! Exercise:  in `main`, in the call `table.row("processes", ...)`, replace the variable `processes` by `handed_in`.
//!            Which `ensure!` in `comparison.rs` fails, and how can it tell that the time is wrong?

use std::process::{ExitCode, id};
use std::time::{Duration, Instant};

use anyhow::Context;
use ch1_parallel::kernels::count::task;
use ch3_processes::{Pool, children};
use ch5_async::comparison::{Counted, Item, Table, timed};
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

fn main() -> ExitCode {
    children![count];
    lesson::run!(|args: Args, _lesson| {
        let workers = args.workers as usize;
        let items: Vec<Item> = (1..=args.items).map(|number| (number, args.grain)).collect();
        println!("{} items, each counts to {}, workers: {workers}", items.len(), args.grain);

        let (sequential, counted) = timed(|| items.iter().map(|&item| count(item)).collect::<Result<Vec<_>, _>>())?;
        let table = Table::begin(&items, sequential, &counted)?;

        let (start, pool) = timed(|| ThreadPoolBuilder::new().num_threads(workers).build().context("thread pool"))?;
        // An item takes long, so rayon must not join two of them into one piece of work.
        let all = || items.par_iter().with_max_len(1).map(|&item| count(item)).collect::<Result<Vec<_>, _>>();
        let (threads, counted) = timed(|| lanes::wait("threads", || pool.install(all)))?;
        table.row("threads", args.workers, start, threads, &counted)?;

        let (start, mut pool) = timed(|| Ok(Pool::new("process", workers, count)?))?;
        let (processes, (handed_in, counted)) = timed(|| by_processes(&mut pool, &items))?;
        table.row("processes", args.workers, start, processes, &counted)?;
        if args.timer_bug {
            table.unchecked_row("WRONG", start, handed_in);
            println!("WRONG: the processes, with a clock that stopped before the first result was awaited");
        }

        let (start, event_loop) = timed(|| Ok(tokio::runtime::Builder::new_current_thread().build()?))?;
        let (tasks, counted) = timed(|| event_loop.block_on(by_tasks(&items)))?;
        table.row("async", 1, start, tasks, &counted)
    })
}

fn by_processes(pool: &mut Pool<Item, Counted>, items: &[Item]) -> anyhow::Result<(Duration, Vec<Counted>)> {
    let begin = Instant::now();
    let tickets: Vec<_> = items.iter().map(|&item| pool.submit(item)).collect();
    let handed_in = begin.elapsed(); // `--timer-bug` shows this time. Not one result has been awaited yet.
    let counted = tickets.into_iter().map(|ticket| pool.join(ticket)).collect::<Result<_, _>>()?;
    Ok((handed_in, counted))
}

async fn by_tasks(items: &[Item]) -> anyhow::Result<Vec<Counted>> {
    let task = |&item: &Item| lanes::task(format!("task {}", item.0), async move { count(item) });
    let tasks: Vec<_> = items.iter().map(task).map(tokio::spawn).collect();
    let mut counted = Vec::new();
    for task in tasks {
        counted.push(lanes::wait_for("the next task", task).await??);
    }
    Ok(counted)
}

fn count((number, grain): Item) -> anyhow::Result<Counted> {
    let _lane = lane_of_rayon();
    let (took, counted) = timed(|| Ok(lanes::work(&format!("item {number}"), || task(grain))))?;
    Ok(Counted { value: counted * number, took, process: id() })
}

/// A lane for a thread of the rayon pool. Everything else that counts has a lane already.
fn lane_of_rayon() -> Option<lanes::Lane> {
    rayon::current_thread_index().map(|index| lanes::lane(format_args!("thread {index}")))
}

//! A future that is cancelled is dropped at an await. The program counts what is lost, and shows how to lose nothing.
//!
//! `timeout` drops a future that is late, `select!` drops each future that is not the first, and a dropped `JoinSet`
//! aborts its tasks. A future that has begun is dropped only at an await: the code after it never runs, and the local
//! variables are dropped. A `CancellationToken` drops nothing by itself. A worker that waits for the token in `select!`
//! loses its item. A worker that looks at the token only between two items finishes its item first. What a dropped
//! future has read is lost, unless it is in a buffer that is not dropped.
//!
//! Run:       cargo run --bin cancellation -- --timeline
//! Observe:   workers that are dropped lose an item each, because their only await is in the middle of an item. Workers
//!            that are asked lose nothing. With a new buffer for each read, the first half of each line is lost.
//! Exercise:  in `read`, move `let mut own = Vec::new();` in front of the loop. Which `ensure!` fails now, and why?

use std::{mem::take, process::ExitCode, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::RngExt;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::{runtime, select, task::JoinSet, time};
use tokio_util::sync::CancellationToken;

#[derive(clap::Parser)]
struct Args {
    /// Tasks that work on items until they are stopped
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    workers: u64,
}

enum Stop {
    DropTheSet,
    Select,
    Ask,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let pause = |n| lesson.pause(lesson.rng(n).random_range(1.0..5.0)).max(Duration::from_millis(1));
        let pauses: Vec<_> = (0..args.workers).map(pause).collect();
        println!("{} workers, each item takes {pauses:.0?}", pauses.len());
        runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
            let lost = stop_workers("dropped", &pauses, Stop::DropTheSet).await;
            ensure!(lost == pauses.len(), "a dropped JoinSet must lose one item of each worker");
            let lost = stop_workers("selected", &pauses, Stop::Select).await;
            ensure!(lost == pauses.len(), "`select!` must lose one item of each worker");
            let lost = stop_workers("asked", &pauses, Stop::Ask).await;
            ensure!(lost == 0, "workers that are asked must finish their items");
            lanes::wait_for("reader", lanes::task("new buffers", read(lesson.pause(2.0), false))).await?;
            lanes::wait_for("reader", lanes::task("one buffer", read(lesson.pause(2.0), true))).await
        })
    })
}

/// Stops the workers when each has begun an item. Returns the number of items that are lost.
async fn stop_workers(way: &str, pauses: &[Duration], stop: Stop) -> usize {
    let (stop_at_once, stop_after_item) = (CancellationToken::new(), CancellationToken::new());
    let mut workers = JoinSet::new();
    let (report, mut reports) = unbounded_channel();
    for (number, &pause) in pauses.iter().enumerate() {
        let items = Items { begun: 0, finished: 0, report: report.clone() };
        let work = work(items, stop_at_once.clone(), stop_after_item.clone(), pause);
        workers.spawn(lanes::task(format!("{way} {number}"), work));
    }
    drop(report); // `recv` returns `None` after the last worker is dropped.
    for _ in pauses {
        lanes::wait_for("the first items", reports.recv()).await;
    }
    match stop {
        Stop::DropTheSet => drop(workers),
        Stop::Select => stop_at_once.cancel(),
        Stop::Ask => stop_after_item.cancel(),
    }
    let (mut begun, mut finished) = (0, 0);
    while let Some(items) = lanes::wait_for("the workers", reports.recv()).await {
        (begun, finished) = (begun + items.0, finished + items.1);
    }
    println!("{way}: {begun} items begun, {finished} finished");
    begun - finished
}

/// What a worker has done. It is a local variable of the worker, so it is dropped with the worker's future.
struct Items {
    begun: usize,
    finished: usize,
    report: UnboundedSender<(usize, usize)>,
}

impl Drop for Items {
    fn drop(&mut self) {
        let _ = self.report.send((self.begun, self.finished)); // It cannot fail: `stop_workers` receives.
    }
}

async fn work(mut items: Items, stop_at_once: CancellationToken, stop_after_item: CancellationToken, pause: Duration) {
    // Tells `main` that the first item has begun. A worker cannot be dropped before the `select!`, because there is no
    // await between this line and it.
    let _ = items.report.send((0, 0));
    while !stop_after_item.is_cancelled() {
        items.begun += 1; // From here until it is finished, the item is lost if the worker is dropped.
        select! {
            () = lanes::sleeping("an item", time::sleep(pause)) => items.finished += 1,
            () = stop_at_once.cancelled() => return,
        }
    }
}

/// Reads lines that come in two halves. The time-out drops the read between the halves.
async fn read(limit: Duration, keep: bool) -> anyhow::Result<()> {
    let sent = ["This is ", "line 1\n", "This is ", "line 2\n"];
    let (mut sender, receiver) = duplex(64);
    let (mut receiver, mut kept, mut received) = (BufReader::new(receiver), Vec::new(), Vec::new());
    for half in sent {
        sender.write_all(half.as_bytes()).await?;
        let mut own = Vec::new(); // Dropped after each read, also after a read that is late.
        let line = if keep { &mut kept } else { &mut own };
        if let Ok(Ok(_)) = lanes::wait_for("a line", time::timeout(limit, receiver.read_until(b'\n', line))).await {
            received.push(String::from_utf8(take(line))?);
        }
    }
    println!("{}: received {received:?}", if keep { "one buffer" } else { "new buffers" });
    let expected = if keep { sent.concat() } else { [sent[1], sent[3]].concat() };
    let rule = "a new buffer for each read loses the first halves, one buffer loses nothing";
    ensure!(received.concat() == expected, "received {received:?}, expected {expected:?}: {rule}");
    Ok(())
}

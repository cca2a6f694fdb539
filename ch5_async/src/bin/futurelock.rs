//! A future holds tokio's lock and is no longer polled. The task that polled it waits for the same lock, and both hang.
//!
//! `select!` polls its futures until one of them is ready, and then drops the futures that it owns. A future that it has
//! by reference (`&mut write`) is not dropped, and keeps the lock that it holds. A future runs only while it is polled,
//! and only its task can poll it. That task awaits something else now, so the future never releases the lock, although it
//! is woken. The repair drops the future, and its guard with it. Another repair is `tokio::spawn`: the event loop polls
//! the future then. (The name comes from the company Oxide, which had this hang in its programs.)
//!
//! Run:       cargo run --bin futurelock -- --timeline
//!            cargo run --bin futurelock -- --repaired --timeline
//! Observe:   the report names the cycle: `server` waits for the lock that `write` holds, and `write` was woken, but goes
//!            on only when `server` polls it. The repaired program has one line in the log: the line of `write` is lost,
//!            because `write` was dropped before its end.
//! Exercise:  pass the future by value: in `select!`, replace `&mut write` by `write`, and delete the repair. Why does the
//!            program end now? Then keep the line of `write`: put the log into an `Arc`, pass `&*log` to `lock_for`, spawn
//!            the future, write `_ = &mut write` in `select!`, and await the handle at the end of `serve`. Which guard must
//!            be dropped before that await? In which order are the two lines? (The check in `main` expects one line.)

use std::future::ready;
use std::process::ExitCode;

use anyhow::ensure;
use course::{lanes, lesson};
use tokio::sync::{Mutex, oneshot};
use tokio::{runtime::Builder, select};

#[derive(clap::Parser)]
struct Args {
    /// The future is dropped when it is no longer polled
    #[arg(long)]
    repaired: bool,
}

type Log = Mutex<Vec<&'static str>>;

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let server = lanes::wait_for("server", lanes::task("server", serve(args.repaired)));
        let log = Builder::new_current_thread().build()?.block_on(server);
        println!("the log is {log:?}");
        ensure!(log == ["the disk is slow"], "the log is {log:?}");
        Ok(())
    })
}

async fn serve(repaired: bool) -> Vec<&'static str> {
    let log = Log::default();
    let (disk, is_ready) = oneshot::channel();
    let mut write = Box::pin(lanes::task("write", write(&log, is_ready)));
    // `write` is polled first and acquires the lock. Then the time limit is over: a future that is ready stands for it.
    select! {
        biased;
        () = &mut write => {}
        () = ready(()) => {}
    }
    // The hazard: `write` lives on with the lock, and is not polled. The repair: it is dropped, and so is its guard.
    if repaired {
        drop(write);
    }
    // The disk is ready now, which wakes `write`. It fails if `write` was dropped.
    let _ = disk.send(());
    let mut lines = lanes::lock_for("log", &log, Mutex::lock).await;
    lines.push("the disk is slow");
    lines.clone()
}

/// Writes a line to the log as soon as the disk is ready.
async fn write(log: &Log, is_ready: oneshot::Receiver<()>) {
    let mut lines = lanes::lock_for("log", log, Mutex::lock).await;
    let _ = lanes::wait_for("disk", is_ready).await;
    lines.push("a request has come");
}

//! A task holds the guard of a blocking lock across an `.await`. Another task waits for it and blocks the only thread: both hang.
//!
//! At an `.await` that is not ready a task gives its thread back, but it keeps everything that it holds. A lock of
//! parking_lot or std blocks the whole thread of the task that waits for it. Then the task that holds the lock is not polled
//! any more, and never releases the lock. The repair drops the guard before the `.await`. If a lock must be held across an
//! `.await`, use the `Mutex` of tokio: its `lock().await` gives the thread back. (`tokio::spawn` refuses a future that holds
//! such a guard across an `.await`, because the guard must stay in its thread. `join!` and `spawn_local` accept such a future.)
//!
//! Run:       cargo run --bin guard_across_await -- --timeline
//!            cargo run --bin guard_across_await -- --repaired --timeline
//! Observe:   the report names the cycle: Dewey waits for the lock that Huey holds, and Huey can go on only in the thread
//!            that Dewey blocks. The repaired program sells both items.
//! Exercise:  use the lock of tokio: import `tokio::sync::Mutex` instead of `parking_lot::Mutex`, and acquire the lock with
//!            `lanes::lock_for("stock", stock, Mutex::lock).await`. Does the program end without `--repaired` now? Which
//!            task waits during a delivery, and does it block the thread?

use std::process::ExitCode;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::Mutex;
use tokio::{join, runtime::Builder, task::yield_now};

#[derive(clap::Parser)]
struct Args {
    /// The guard is dropped before the `.await`
    #[arg(long)]
    repaired: bool,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let stock = Mutex::new(vec!["milk", "bread"]);
        let sell = |name| lanes::task(name, sell(&stock, args.repaired));
        let both = async { join!(sell("Huey"), sell("Dewey")) };
        let sold = Builder::new_current_thread().build()?.block_on(lanes::wait_for("both tasks", both));
        println!("Huey and Dewey sold {sold:?}");
        ensure!(sold == (Some("bread"), Some("milk")), "{sold:?} were sold");
        Ok(())
    })
}

/// Takes an item out of the stock and delivers it.
pub async fn sell(stock: &Mutex<Vec<&'static str>>, repaired: bool) -> Option<&'static str> {
    let mut items = lanes::lock("stock", stock, Mutex::lock);
    let item = items.pop();
    // The hazard: the guard lives to the end of the function. The repair: it is dropped before the await.
    if repaired {
        drop(items);
    }
    // This await is never ready at its first poll, so the other task runs next for certain.
    lanes::wait_for("delivery", yield_now()).await;
    item
}

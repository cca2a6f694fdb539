//! A thread locks what it holds already, because the guard lives longer than the line that made it. It waits for itself.
//!
//! A guard without a name is dropped at the end of its statement. The statement of a `match` ends after its last arm, so
//! the guard in `match stock.lock().pop() { ... }` is held in every arm. An arm that locks again waits for ever. The
//! repair gives the value a name first: then the statement that makes the guard ends before the `match`. (The compiler
//! checks how long data is borrowed. It does not know what a lock does.)
//!
//! Run:       cargo run --bin double_lock
//!            cargo run --bin double_lock -- --repaired
//! Observe:   the report has one thread only: it waits for the lock that it holds, and both lines are named. The
//!            repaired program takes 2, 1, and, after the stock was filled again, 2.
//! Exercise:  why is a call of `drop` no repair here? (What is the name of the guard?) Then replace the second `match`
//!            by `if let Some(item) = ... { item } else { refill(stock) }`. In Rust 2024 the program then ends without
//!            `--repaired`. Why?

use std::process::ExitCode;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::Mutex;

#[derive(clap::Parser)]
struct Args {
    /// The guard is dropped before the `match`
    #[arg(long)]
    repaired: bool,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let stock = Mutex::new(vec![1, 2]);
        let taken = [(); 3].map(|()| take(&stock, args.repaired));
        println!("the items {taken:?} were taken");
        ensure!(taken == [2, 1, 2], "the items {taken:?} were taken");
        Ok(())
    })
}

/// Takes an item. If there is none, the stock is filled first.
pub fn take(stock: &Mutex<Vec<u32>>, repaired: bool) -> u32 {
    if repaired {
        // The repair: the guard is dropped at the end of this line.
        let item = lanes::lock("stock", stock, Mutex::lock).pop();
        match item {
            Some(item) => item,
            None => refill(stock),
        }
    } else {
        // The hazard: the guard is dropped at the end of the `match`.
        match lanes::lock("stock", stock, Mutex::lock).pop() {
            Some(item) => item,
            None => refill(stock),
        }
    }
}

fn refill(stock: &Mutex<Vec<u32>>) -> u32 {
    let mut items = lanes::lock("stock", stock, Mutex::lock);
    items.push(1);
    2
}

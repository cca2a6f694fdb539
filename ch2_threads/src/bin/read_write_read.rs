//! A thread reads a list, and locks it once more for reading while it holds the first guard. In between, a writer waits.
//!
//! Several readers may hold a reader-writer lock at the same time, so a second read lock of the same thread seems safe.
//! It is not: if a writer waits, most locks let no new reader in, because the writer would starve. So the second read
//! waits for the writer, and the writer waits for the first read. The repair: a function that needs the data takes the
//! data, not the lock. So the thread locks once.
//!
//! Run:       cargo run --bin read_write_read
//!            cargo run --bin read_write_read -- --repaired
//! Observe:   the report names the cycle of the reader and the writer, though no thread waits for a lock that another
//!            thread holds for writing. The repaired program prints a mean of 2, and then 3 from the next reader.
//! Exercise:  let `mean` get the numbers in place of the list, and lock the list in `main`. Which functions lock the list
//!            now, and does the program hang? Which functions of a program should lock, and which should get the data?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::RwLock;

#[derive(clap::Parser)]
struct Args {
    /// The second function gets the data, and locks nothing
    #[arg(long)]
    repaired: bool,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let list = RwLock::new(vec![1.0, 2.0, 3.0]);
        let mean = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let _lane = lanes::lane("reader");
                mean(&list, args.repaired, || {
                    scope.spawn(|| {
                        let _lane = lanes::lane("writer");
                        add(&list, 6.0);
                    });
                    // A lock with a waiting writer lets no reader in.
                    while list.try_read().is_some() {
                        thread::yield_now();
                    }
                })
            });
            lanes::join(reader)
        });
        println!("the mean was {mean}, and is {} after the write", self::mean(&list, true, || ()));
        ensure!(mean == 2.0, "the mean is {mean}");
        Ok(())
    })
}

/// The mean of the list. `writer_waits` returns when a writer waits for the list.
pub fn mean(list: &RwLock<Vec<f64>>, repaired: bool, writer_waits: impl FnOnce()) -> f64 {
    let numbers = lanes::read("list", list, RwLock::read);
    writer_waits();
    // The hazard: `sum` locks the list once more. The repair: `sum_of` gets the numbers.
    let sum = if repaired { sum_of(&numbers) } else { sum(list) };
    sum / numbers.len() as f64
}

fn sum(list: &RwLock<Vec<f64>>) -> f64 {
    sum_of(&lanes::read("list", list, RwLock::read))
}

fn sum_of(numbers: &[f64]) -> f64 {
    numbers.iter().sum()
}

/// Adds a number to the list.
pub fn add(list: &RwLock<Vec<f64>>, number: f64) {
    lanes::lock("list", list, RwLock::write).push(number);
}

//! Two threads add 1 to a counter. Both load the same number, so one of the two additions is lost.
//!
//! An addition is a load, a sum and a store. If another thread stores in between, its number is overwritten. Each
//! load and each store is atomic (one step), and the addition is not: to use atomics is not enough. The repair is one atomic
//! operation, `fetch_add`, or a lock that is held from the load to the store. (`SeqCst` is the strictest memory order.)
//!
//! Run:       cargo run --bin lost_update
//!            cargo run --bin lost_update -- --repaired
//! Observe:   the report lists the steps: both threads load 0 before either of them stores. The repaired program prints the
//!            time of an addition in both forms, when only one thread adds. Is the repair slower?
//! Exercise:  write `let loaded = || ();` in place of the barrier, and let each thread add 1,000,000 times. (The check of
//!            `sum` fails then, and prints it.) How many additions are lost? Can one late store lose more than one?

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use anyhow::ensure;
use course::lesson::Shown;
use course::{lanes, lesson};
use portable_atomic::{AtomicU64, Ordering::SeqCst}; // As in std; the program `schedules` replaces them.

#[derive(clap::Parser)]
struct Args {
    /// An addition is one atomic operation
    #[arg(long)]
    repaired: bool,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let counter = AtomicU64::new(0);
        // Each thread has loaded when one of them stores: the loss is certain.
        let both_have_loaded = Barrier::new(2);
        let loaded = || _ = lanes::meet("both have loaded", &both_have_loaded, 2, Barrier::wait);
        let stored = thread::scope(|scope| {
            let threads = ["Huey", "Dewey"].map(|name| {
                let (counter, loaded, repaired) = (&counter, &loaded, args.repaired);
                scope.spawn(move || {
                    let _lane = lanes::lane(name);
                    add(counter, repaired, loaded)
                })
            });
            lanes::join_all(threads)
        });
        let sum = counter.into_inner();
        if sum < 2 {
            return Err(Shown(format!(
                "lost update: 2 additions of 1, and the counter is {sum}:\n  Huey loaded {}\n  Dewey loaded {}\n  \
                 Huey stored {}\n  Dewey stored {}: the addition of the thread that stored first is lost",
                stored[0] - 1,
                stored[1] - 1,
                stored[0],
                stored[1]
            ))
            .into());
        }
        println!("2 additions of 1, and the counter is {sum}");
        if args.repaired {
            let [atomic, apart] = [true, false].map(nanoseconds);
            println!("an addition takes {atomic:.1} ns with fetch_add, and {apart:.1} ns with a load and a store");
        }
        ensure!(sum == 2, "the counter is {sum}");
        Ok(())
    })
}

/// Adds 1, and returns the sum that this thread has stored. `loaded` is called between the load and the store.
pub fn add(counter: &AtomicU64, repaired: bool, loaded: impl Fn()) -> u64 {
    // The hazard: a load and a store. The repair: one operation that does both.
    if repaired {
        return counter.fetch_add(1, SeqCst) + 1;
    }
    let sum = counter.load(SeqCst) + 1;
    loaded();
    counter.store(sum, SeqCst);
    sum
}

/// What an addition costs if no other thread adds.
fn nanoseconds(repaired: bool) -> f64 {
    const ADDITIONS: u32 = 1_000_000;
    let counter = AtomicU64::new(0);
    let begin = Instant::now();
    for _ in 0..ADDITIONS {
        black_box(add(&counter, repaired, || ()));
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(ADDITIONS)
}

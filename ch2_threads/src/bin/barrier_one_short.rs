//! A worker without data returns early. The other workers wait for it at a barrier, for ever.
//!
//! A barrier counts: it opens when as many threads have come as it was made for. A thread that returns before it, by an
//! early `return`, a `?` or a panic, is missing. Here the program always starts four workers, and the data gives work to
//! fewer of them. The repair: the barrier counts the shares of the data, and only a worker with a share comes to it.
//!
//! Run:       cargo run --bin barrier_one_short
//!            cargo run --bin barrier_one_short -- --repaired
//! Observe:   the report says how many lanes have come to the barrier, and that no other lane can come. With `--items 8`,
//!            each worker has data, and the program ends without the repair too: the mistake shows only with some numbers
//!            of items.
//! Exercise:  which numbers of items make four workers hang? Find a repair that keeps the barrier at four parties.

use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};

/// The number of threads that the program starts.
pub const WORKERS: usize = 4;

#[derive(clap::Parser)]
struct Args {
    /// The barrier is made for the workers that have data
    #[arg(long)]
    repaired: bool,
    /// Number of items
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    items: u16,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let items: Vec<u64> = (0..args.items.into()).collect();
        let shares = shares(&items);
        let parties = parties(&shares, args.repaired);
        let all_have_added = Barrier::new(parties);

        let sums = thread::scope(|scope| {
            let threads: Vec<_> = (0..WORKERS)
                .map(|worker| {
                    let (share, barrier) = (shares.get(worker).copied().unwrap_or_default(), &all_have_added);
                    scope.spawn(move || {
                        let _lane = lanes::lane(format_args!("worker {worker}"));
                        add(share, || _ = lanes::meet("all have added", barrier, parties, Barrier::wait))
                    })
                })
                .collect();
            lanes::join_all(threads)
        });
        let sum: u64 = sums.iter().sum();
        println!("the sum of the items is {sum}");
        ensure!(sum == items.iter().sum::<u64>(), "the sum is {sum}");
        Ok(())
    })
}

/// Divides the items among the workers. If there are few items, there is no share for some of the workers.
pub fn shares(items: &[u64]) -> Vec<&[u64]> {
    items.chunks(items.len().div_ceil(WORKERS)).collect()
}

/// How many threads the barrier waits for.
pub fn parties(shares: &[&[u64]], repaired: bool) -> usize {
    // The hazard: the barrier counts the workers. The repair: it counts the shares of the data.
    if repaired { shares.len() } else { WORKERS }
}

/// The sum of a share. `meet` returns when all parties of the barrier have come.
pub fn add(share: &[u64], meet: impl FnOnce()) -> u64 {
    if share.is_empty() {
        return 0;
    }
    let sum = share.iter().sum();
    meet();
    sum
}

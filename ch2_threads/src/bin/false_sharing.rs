//! Each thread adds to a counter of its own, but both counters lie in one cache line. The sums are right, but each addition is slow.
//!
//! Cores do not share single numbers: they share *cache lines*, on most machines of 64 bytes. A core that writes to a line must
//! own the whole line, and takes it from the core that has written to it before. So two counters in one line cost as much as
//! one counter that both threads change. The repair: `CachePadded` gives each counter a line of its own. (The threads and
//! their turns are in `ch2_threads/src/turns.rs`.)
//!
//! Run:       cargo run --bin false_sharing
//!            cargo run --bin false_sharing -- --repaired
//! Observe:   the report says how far apart the counters lie, and what an addition takes in both layouts. The repaired
//!            program prints the same two times, and uses the padded counters. On one core, or on a busy machine, both times are about equal.
//! Exercise:  replace `fetch_add(1, Relaxed)` by `store(counter.load(Relaxed) + 1, Relaxed)`: only one thread writes to each
//!            counter, so no addition is lost. Which layout gains more, and why?

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use anyhow::ensure;
use ch2_threads::turns::medians;
use course::lesson::{self, Shown};
use crossbeam::utils::CachePadded;

const LINE: usize = 64;
const ROUNDS: usize = 21;
const ADDITIONS: u32 = 100_000;

#[derive(clap::Parser)]
struct Args {
    /// Each counter has a cache line of its own
    #[arg(long)]
    repaired: bool,
}

/// Two counters that lie in one cache line for certain.
#[derive(Default)]
#[repr(align(64))]
struct OneLine([AtomicU64; 2]);

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let (one_line, padded) = (OneLine::default(), <[CachePadded<AtomicU64>; 2]>::default());
        let one_line = one_line.0.each_ref();
        let padded = padded.each_ref().map(|counter| &**counter);
        let layouts = [one_line, padded];
        let measure = |layout: usize, thread: usize| add(layouts[layout][thread]);
        let [together, apart] = medians(["one line", "two lines"], ROUNDS, measure);

        // The hazard: the counters lie side by side. The repair: each of them has its own cache line.
        let counters = if args.repaired { padded } else { one_line };

        let sums = counters.map(|counter| counter.load(Relaxed));
        ensure!(sums == [u64::from(ADDITIONS) * ROUNDS as u64; 2], "the sums are {sums:?}");
        let [huey, dewey] = counters.map(|counter| std::ptr::from_ref(counter).addr());
        let distance = dewey - huey;
        let price = format!("an addition takes {together:.1} ns in one line, and {apart:.1} ns in two lines");
        if huey / LINE == dewey / LINE {
            return Err(Shown(format!(
                "false sharing: the counters of Huey and Dewey lie {distance} bytes apart, in one cache line of {LINE} bytes:\n  \
                 {price}"
            ))
            .into());
        }
        println!("the counters of Huey and Dewey lie {distance} bytes apart, in two cache lines\n{price}");
        Ok(())
    })
}

/// Adds many times, and returns the nanoseconds of an addition.
fn add(counter: &AtomicU64) -> f64 {
    let begin = Instant::now();
    for _ in 0..ADDITIONS {
        counter.fetch_add(1, Relaxed);
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(ADDITIONS)
}

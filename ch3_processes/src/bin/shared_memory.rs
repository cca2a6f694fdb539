//! Processes sum an array twice: each gets a copy of its part, then each looks at its part where it is.
//!
//! What is passed to a process is copied, number by number, through the system: that takes time, and memory on both sides.
//! Shared memory is passed as a whole by a descriptor of a few bytes. But who shares must not write where another reads, and
//! no compiler sees both: so each part is borrowed at run time, by one writer or many readers, as in a `RefCell`.
//!
//! Run:       cargo run --release --bin shared_memory -- --workers 4 --items 1000000 --timeline
//! Observe:   the sums are the same; the copies cost the more, the longer the array, and sharing costs the start of the processes.
//! Python:    `shared_memory` is plain bytes with a name: nothing says who may write, and a process of its own removes the name.
//! Exercise:  keep `array.try_write(0)?` until after the joins. Who gets an error, and what would happen without the check?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ch3_processes::{Error, SharedArray, children, join_all, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Processes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
    /// Numbers in the array, of 8 bytes each
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    items: u32,
    /// How often both ways are gone; the fastest time counts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
}

fn main() -> ExitCode {
    children![sum_copy, sum_shared];
    lesson::run!(|args: Args, _lesson| {
        let (items, workers) = (args.items as usize, args.workers as usize);
        println!("{workers} processes sum {items} numbers");
        let edges: Vec<_> = (0..=workers).map(|worker| worker * items / workers).collect();
        let lengths: Vec<_> = edges.windows(2).map(|edges| edges[1] - edges[0]).collect();
        // The whole numbers from 1 on: exact in an f64, and so is their sum, since it is below 2^53.
        let right = (items * (items + 1) / 2) as f64;
        let numbers: Vec<f64> = (1..=args.items).map(f64::from).collect();
        let array = SharedArray::new(&lengths).context("shared memory")?;
        for part in 0..workers {
            array.try_write(part)?.copy_from_slice(&numbers[edges[part]..edges[part + 1]]);
        }

        let [mut by_copy, mut by_sharing] = [Duration::MAX; 2];
        for _ in 0..args.rounds {
            let start = Instant::now();
            let sums = lanes::work("copies", || by_copies(&numbers, &edges))?;
            by_copy = by_copy.min(start.elapsed());
            ensure!(sums.iter().sum::<f64>() == right, "the copies sum to {sums:?}, together not {right}");

            let start = Instant::now();
            let sums = lanes::work("shares", || by_shares(&array))?;
            by_sharing = by_sharing.min(start.elapsed());
            ensure!(sums.iter().sum::<f64>() == right, "the shared parts sum to {sums:?}, together not {right}");
        }
        println!("the sum is {right} both times");
        println!("by copy:    {:9.3} ms, {:>9} bytes of the array sent", by_copy.as_secs_f64() * 1e3, 8 * items);
        println!("by sharing: {:9.3} ms, {:>9} bytes of the array sent", by_sharing.as_secs_f64() * 1e3, 0);
        Ok(())
    })
}

fn by_copies(numbers: &[f64], edges: &[usize]) -> Result<Vec<f64>, Error> {
    let parts = edges.windows(2).map(|edges| &numbers[edges[0]..edges[1]]).enumerate();
    let start = |(part, copy): (usize, &[f64])| spawn(format!("copy {part}"), sum_copy, (copy.to_vec(),));
    let processes = parts.map(start).collect::<Result<Vec<_>, _>>()?;
    lanes::wait("join", || join_all(processes))
}

fn by_shares(array: &SharedArray<f64>) -> Result<Vec<f64>, Error> {
    let start = |part| spawn(format!("share {part}"), sum_shared, (part, array.clone()));
    let processes = (0..array.parts()).map(start).collect::<Result<Vec<_>, _>>()?;
    lanes::wait("join", || join_all(processes))
}

fn sum_copy(part: Vec<f64>) -> anyhow::Result<f64> {
    Ok(part.iter().sum())
}

fn sum_shared(part: usize, array: SharedArray<f64>) -> anyhow::Result<f64> {
    Ok(array.try_read(part)?.iter().sum())
}

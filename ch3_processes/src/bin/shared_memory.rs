//! Processes add 1 to each number of an array twice: first on copies of its parts, then on the array that all share.
//!
//! Arguments and results of a process are copied through the system. That takes time, and memory on both sides. Shared
//! memory is passed as a descriptor of a few bytes, and what a process writes there, the parent sees. But no process
//! may write where another process reads, and the compiler cannot check that. So each part of the array is borrowed at
//! run time, by one writer or by many readers, as in a `RefCell`. In Python, `shared_memory` is plain bytes: nothing
//! checks which process reads and which process writes.
//!
//! Run:       cargo run --release --bin shared_memory -- --workers 4 --items 1000000 --timeline
//! Observe:   both ways give the same numbers. Copying takes more time as the array grows. Sharing mostly takes the
//!            time to start the processes: compare with `--items 1000`.
//! Exercise:  add `let _first = array.try_write(0)?;` before `let share`. Which process gets an error? Which data race
//!            could happen if the library did not check?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ch1_parallel::memory::collected;
use ch3_processes::{SharedArray, children, join_all, spawn};
use course::lesson;

#[derive(clap::Parser)]
struct Args {
    /// Processes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
    /// Numbers in the array, of 8 bytes each
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    items: u32,
    /// How many times each way runs; the shortest time counts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
}

fn main() -> ExitCode {
    children![add_to_copy, add_in_place];
    lesson::run!(|args: Args, _lesson| {
        let (items, workers) = (args.items as usize, args.workers as usize);
        println!("{workers} processes add 1 to each of {items} numbers");
        let edge = |worker| worker * items / workers;
        let part = |worker| collected("a part", (edge(worker)..edge(worker + 1)).map(|number| number as f64));
        let mut parts: Vec<_> = (0..workers).map(part).collect::<Result<_, _>>()?;
        let lengths: Vec<_> = parts.iter().map(Vec::len).collect();
        let array = SharedArray::new(&lengths).context("shared memory")?;
        for (number, part) in parts.iter().enumerate() {
            array.try_write(number)?.copy_from_slice(part);
        }

        let [mut copying, mut sharing] = [Duration::MAX; 2];
        for _ in 0..args.rounds {
            let start = Instant::now();
            let copy = |(number, part)| spawn(format!("copy {number}"), add_to_copy, (part,));
            let processes = parts.into_iter().enumerate().map(copy).collect::<Result<Vec<_>, _>>()?;
            parts = join_all(processes)?;
            copying = copying.min(start.elapsed());

            let start = Instant::now();
            let share = |number| spawn(format!("share {number}"), add_in_place, (number, array.clone()));
            let processes = (0..workers).map(share).collect::<Result<Vec<_>, _>>()?;
            join_all(processes)?;
            sharing = sharing.min(start.elapsed());
        }

        println!("by copying: {:9.3} ms", copying.as_secs_f64() * 1e3);
        println!("by sharing: {:9.3} ms", sharing.as_secs_f64() * 1e3);
        let right = |number: usize| (number + args.rounds as usize) as f64;
        ensure!(parts.iter().flatten().copied().eq((0..items).map(right)), "wrong numbers by copying");
        for (number, part) in parts.iter().enumerate() {
            ensure!(array.try_read(number)?[..] == part[..], "wrong numbers by sharing in part {number}");
        }
        println!("both ways give the same numbers, the last one is {}", right(items - 1));
        Ok(())
    })
}

fn add_to_copy(mut part: Vec<f64>) -> anyhow::Result<Vec<f64>> {
    part.iter_mut().for_each(|number| *number += 1.0);
    Ok(part)
}

fn add_in_place(number: usize, array: SharedArray<f64>) -> anyhow::Result<()> {
    array.try_write(number)?.iter_mut().for_each(|number| *number += 1.0);
    Ok(())
}

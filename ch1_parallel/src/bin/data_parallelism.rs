//! Two arrays are added element by element: one by one, with the vector unit of one core, and by several threads.
//!
//! Data parallelism does the same operation on every element. So the vector unit of a core can work on several elements
//! at once, several threads can share the elements, or both. But an addition of numbers of 4 bytes moves 16 bytes: it
//! reads two numbers, and it reads and writes the memory of the sum. So the caches limit the speed. If the arrays do
//! not fit into the caches, the memory limits it. A task that only computes, such as the kernel `count`, moves no data
//! and gains from every core.
//!
//! Run:       cargo run --release --bin data_parallelism -- --timeline
//! Observe:   the vector unit gains more than the threads. Compare the rate of the sums with the last row: `nstream`
//!            (A += B + 3·C) is a usual measure of how fast the workers can move the same number of bytes. The program
//!            checks that all ways give the same sums.
//! Python:    the original is one NumPy `a+b`: vectors on one core, no second worker, and no serial run to compare
//!            with.
//! Exercise:  run it with `--items 10000` and with `--items 30000000`, for which no cache has room. At which size are
//!            the workers slower than one core? At each size, how many times faster are vectors than `one by one`, and
//!            all workers than one core?

use std::{hint::black_box, process::ExitCode, time::Instant};

use anyhow::{Context, ensure};
use ch1_parallel::memory::{filled, room_for};
use course::{lanes, lesson};
use rand::RngExt;
use rayon::prelude::*;

#[derive(clap::Parser)]
struct Args {
    /// Numbers in each array
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    items: u32,
    /// Threads of the parallel sum
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    /// How many times each sum is computed; the best time counts
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (items, workers) = (args.items as usize, usize::from(args.workers));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().context("starting the pool")?;
        let (mut a, mut b, mut rng) = (room_for("array a", items)?, room_for("array b", items)?, lesson.rng(0));
        a.extend((0..items).map(|_| rng.random::<f32>()));
        b.extend((0..items).map(|_| rng.random::<f32>()));
        println!("{items} sums, {} times each way, workers: {workers}", args.rounds);

        let mut one_by_one = filled("the sums", 0.0, items)?;
        timed("one by one", &args, || add_one_by_one(&mut one_by_one, &a, &b));
        let mut vectors = filled("the sums", 0.0, items)?;
        timed("vectors, one core", &args, || add(&mut vectors, &a, &b));
        let mut parallel = filled("the sums", 0.0, items)?;
        timed("vectors, all workers", &args, || {
            lanes::wait("add", || pool.install(|| by_parts(&mut parallel, &a, &b, add)))
        });
        // An f64 is twice as long as an f32, so half as many numbers take the same number of bytes.
        let half = items.div_ceil(2);
        let mut c = filled("array c", 0.0, half)?;
        let (d, e) = (filled("array d", 2.0, half)?, filled("array e", 2.0, half)?);
        timed("nstream, all workers", &args, || {
            lanes::wait("nstream", || pool.install(|| by_parts(&mut c, &d, &e, nstream)))
        });

        println!("the first sums: {:.3?}", &parallel[..items.min(10)]);
        ensure!(vectors == one_by_one && parallel == one_by_one, "the sums differ");
        ensure!(c.iter().all(|&c| c == 8.0 * f64::from(args.rounds)), "nstream is wrong");
        Ok(())
    })
}

fn add_one_by_one(sum: &mut [f32], a: &[f32], b: &[f32]) {
    // The black box hides each sum from the compiler, which would otherwise use the vector unit.
    sum.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum = black_box(a + b));
}

fn add(sum: &mut [f32], a: &[f32], b: &[f32]) {
    sum.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum = a + b);
}

fn nstream(a: &mut [f64], b: &[f64], c: &[f64]) {
    a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a += b + 3.0 * c);
}

/// Divides three arrays into one part for each thread of the current pool, and calls `work` for each part.
fn by_parts<T: Send + Sync>(x: &mut [T], y: &[T], z: &[T], work: fn(&mut [T], &[T], &[T])) {
    let part = x.len().div_ceil(rayon::current_num_threads());
    x.par_chunks_mut(part).zip(y.par_chunks(part)).zip(z.par_chunks(part)).for_each(|((x, y), z)| {
        let _lane = lanes::lane(format_args!("worker {}", rayon::current_thread_index().unwrap_or(0)));
        work(x, y, z);
    });
}

/// Calls `run` as many times as `--rounds` says, and prints the best time.
fn timed(way: &str, args: &Args, mut run: impl FnMut()) {
    let seconds = (0..args.rounds).map(|_| {
        let start = Instant::now();
        lanes::work(way, &mut run);
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    println!("{way:20} {:8.3} ms  {:6.2} GB/s", best * 1e3, 16e-9 * f64::from(args.items) / best);
}

//! Two arrays are added element by element: one by one, with the vector unit of one core, and by all workers.
//!
//! Data parallelism does the same to every element, so the elements can be divided among the lanes of a vector unit, among
//! threads, or both. But a sum does one addition for every 16 bytes it moves (two numbers are read; the place of the third is
//! fetched and written). So the limit is what feeds the cores: the caches, until the arrays no longer fit, then the memory.
//! A task that only computes, such as the kernel `count`, moves nothing and speeds up with every core.
//!
//! Run:       cargo run --release --bin data_parallelism -- --timeline
//! Observe:   all sums are the same. Vectors gain more than threads do. The row below them is the limit: what the workers reach
//!            with the kernel that measures it (A += B + 3·C, nstream) on as many bytes.
//! Python:    the original is one NumPy `a+b`: vectors on one core, no second worker, and no serial run to compare with.
//! Exercise:  add 10,000 and 30,000,000 numbers. Where does the pool cost more than the workers gain, and which gain is left
//!            when no cache holds the arrays?

use std::{hint::black_box, process::ExitCode, time::Instant};

use anyhow::{Context, ensure};
use course::{lanes, lesson};
use ndarray::{Array1, Zip};
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
    /// How often each sum is computed; the best time counts
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (items, workers) = (args.items as usize, usize::from(args.workers));
        let mut rng = lesson.rng(0);
        let a = Array1::from_shape_simple_fn(items, || rng.random::<f32>());
        let b = Array1::from_shape_simple_fn(items, || rng.random::<f32>());
        let (a_slice, b_slice) = (a.as_slice().context("in one piece")?, b.as_slice().context("in one piece")?);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().context("a pool")?;
        println!("{items} sums, {} times each way, workers: {workers}", args.rounds);

        let mut one_by_one = Array1::zeros(items);
        timed("one by one", &args, || {
            // The black box hides each element from the compiler, which would add several at once.
            Zip::from(&mut one_by_one).and(&a).and(&b).for_each(|sum, a, b| *sum = black_box(a + b));
        });
        let mut vectors = vec![0.0; items];
        timed("vectors, one core", &args, || add(&mut vectors, a_slice, b_slice));
        let mut parallel = vec![0.0; items];
        timed("vectors, all workers", &args, || {
            lanes::wait("the pool", || pool.install(|| by_parts(workers, &mut parallel, a_slice, b_slice, add)));
        });
        // As many bytes in numbers twice as long: the same traffic.
        let (mut c, d, e) = (vec![0.0; items.div_ceil(2)], vec![2.0; items.div_ceil(2)], vec![2.0; items.div_ceil(2)]);
        timed("nstream, all workers", &args, || {
            lanes::wait("the pool", || pool.install(|| by_parts(workers, &mut c, &d, &e, nstream)))
        });

        println!("the first sums: {:.3?}", &parallel[..items.min(10)]);
        ensure!(vectors == one_by_one.to_vec() && parallel == vectors, "the sums differ");
        ensure!(c.iter().all(|&c| c == 8.0 * f64::from(args.rounds)), "nstream is wrong");
        Ok(())
    })
}

fn add(sum: &mut [f32], a: &[f32], b: &[f32]) {
    sum.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum = a + b);
}

fn nstream(a: &mut [f64], b: &[f64], c: &[f64]) {
    a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a += b + 3.0 * c);
}

/// Gives each worker one part of the three arrays.
fn by_parts<T: Send + Sync>(workers: usize, x: &mut [T], y: &[T], z: &[T], work: fn(&mut [T], &[T], &[T])) {
    let part = x.len().div_ceil(workers);
    x.par_chunks_mut(part).zip(y.par_chunks(part)).zip(z.par_chunks(part)).for_each(|((x, y), z)| {
        let _lane = lanes::lane(format_args!("worker {}", rayon::current_thread_index().unwrap_or(0)));
        work(x, y, z);
    });
}

fn timed(way: &str, args: &Args, mut run: impl FnMut()) {
    let seconds = (0..args.rounds).map(|_| {
        let start = Instant::now();
        lanes::work(way, &mut run);
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    println!("{way:20} {:8.3} ms  {:6.2} GB/s", best * 1e3, 16e-9 * f64::from(args.items) / best);
}

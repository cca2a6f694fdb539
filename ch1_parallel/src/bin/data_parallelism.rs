//! Two arrays are added element by element: one by one, with the vector unit of one core, and by all workers.
//!
//! Data parallelism does the same to every element, so the elements can be divided among lanes of a vector unit, among
//! threads, or both. A sum of two arrays does one addition for every 12 bytes it moves: the memory is the limit, and more
//! workers help only as far as it can feed them.
//!
//! Run:       cargo run --release --bin data_parallelism -- --timeline
//! Observe:   all three sums are the same. Vectors gain more than threads do: compare the GB/s, not the seconds.
//! Python:    the original is one NumPy `a+b`: vectors on one core, no second worker, and no serial run to compare with.
//! Exercise:  add 100 and 100,000,000 numbers. At which size do the workers begin to pay?

use std::{hint::black_box, process::ExitCode, time::Instant};

use anyhow::{Context, ensure};
use ch1_parallel::{lanes, lesson};
use ndarray::parallel::prelude::*;
use ndarray::{Array1, ArrayView1, ArrayViewMut1, Axis, Zip};
use rand::RngExt;

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
        let mut rng = lesson.rng(0);
        let items = args.items as usize;
        let a = Array1::from_shape_simple_fn(items, || rng.random::<f32>());
        let b = Array1::from_shape_simple_fn(items, || rng.random::<f32>());
        let workers = usize::from(args.workers);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().context("a pool")?;
        let part = items.div_ceil(workers);
        println!("{items} sums, {} times each way, workers: {workers}", args.rounds);

        let one_by_one = timed("one by one", &args, |sum| {
            // The black box hides each element from the compiler, which would add several at once.
            Zip::from(sum).and(&a).and(&b).for_each(|sum, a, b| *sum = black_box(a + b));
        });
        let vectors = timed("vectors, one core", &args, |sum| {
            Zip::from(sum).and(&a).and(&b).for_each(|sum, a, b| *sum = a + b);
        });
        let parallel = timed("vectors, all workers", &args, |sum| {
            let parts = (sum.axis_chunks_iter_mut(Axis(0), part).into_par_iter())
                .zip(a.axis_chunks_iter(Axis(0), part))
                .zip(b.axis_chunks_iter(Axis(0), part));
            lanes::wait("the pool", || pool.install(|| parts.for_each(|((sum, a), b)| add_part(sum, a, b))));
        });

        println!("the first sums: {:.3?}", parallel.iter().take(10).collect::<Vec<_>>());
        ensure!(vectors == one_by_one && parallel == one_by_one, "the sums differ");
        Ok(())
    })
}

fn add_part(sum: ArrayViewMut1<'_, f32>, a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) {
    let _lane = lanes::lane(format_args!("worker {}", rayon::current_thread_index().unwrap_or(0)));
    Zip::from(sum).and(a).and(b).for_each(|sum, a, b| *sum = a + b);
}

fn timed(way: &str, args: &Args, add: impl Fn(&mut Array1<f32>)) -> Array1<f32> {
    let mut sum = Array1::zeros(args.items as usize);
    let seconds = (0..args.rounds).map(|_| {
        let start = Instant::now();
        lanes::work(way, || add(&mut sum));
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    // Two numbers are read and one is written: 12 bytes.
    println!("{way:20} {:8.3} ms  {:6.2} GB/s", best * 1e3, 12e-9 * f64::from(args.items) / best);
    sum
}

//! The cost of work that a pool of processes shares: of a task in a map, and of tasks that compute. Python's
//! `multiprocessing` does the same work, where `python3` is found. The program `prices` measures the start of a process and
//! messages.
//!
//! Every result is checked, outside the measured time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::script::Script;
use ch3_processes::{Pool, children};
use criterion::Criterion;

fn main() {
    children![square, square_slowly];
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    pools(&mut criterion);
    computation(&mut criterion);
    criterion.final_summary();
}

fn timed(count: u64, mut act: impl FnMut(u64)) -> Duration {
    let start = Instant::now();
    (0..count).for_each(&mut act);
    start.elapsed()
}

fn square(number: u64) -> anyhow::Result<u64> {
    Ok(number * number)
}

fn pools(criterion: &mut Criterion) {
    const TASKS: u64 = 20_000;
    let python = Script::find("multiprocessing", "benches/processes/map.py");
    if python.is_none() {
        println!("Python: left out, since this machine has no python3");
    }
    for (name, chunk) in [("chunks of 1", 1), ("automatic chunks", 0)] {
        let mut group = criterion.benchmark_group(format!("a task of a pool's map, {name}"));
        let chunk_text = chunk.to_string();
        let many = |count: u64| {
            let mut pool = Pool::new("square", 2, square).expect("a pool");
            let mut map = |count: u64| {
                let start = Instant::now();
                let squares = if chunk == 0 { pool.map(0..count) } else { pool.map_in_chunks(0..count, chunk) };
                let time = start.elapsed();
                assert!(squares.expect("no task fails").into_iter().eq((0..count).map(|number| number * number)));
                time
            };
            map(1000);
            // In a shorter map, its start and its end would take most of the time.
            let tasks = count.max(TASKS);
            map(tasks).mul_f64(count as f64 / tasks as f64)
        };
        group.bench_function("this course", |bencher| bencher.iter_custom(many));
        if let Some(script) = &python {
            let many = |count| script.time(&[&chunk_text], count, TASKS);
            group.bench_function("Python", |bencher| bencher.iter_custom(many));
        }
        group.finish();
    }
}

/// Steps that each need the result of the step before.
fn square_slowly((number, steps): (u64, u64)) -> anyhow::Result<u64> {
    Ok((0..steps).fold(number, |x, step| black_box(x.rotate_left(1).wrapping_add(step))))
}

fn computation(criterion: &mut Criterion) {
    // Tasks of some 50 µs and 2 ms.
    for (name, steps, tasks) in [("2000 tasks of 50 µs", 92_000, 2000), ("100 tasks of 2 ms", 3_700_000, 100)] {
        let all = || (0..tasks).map(move |number| (number, steps));
        let right: Vec<_> = all().map(|task| square_slowly(task).expect("no task fails")).collect();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        let serial = |count| {
            timed(count, |_| {
                assert!(all().map(|task| square_slowly(task).expect("no task fails")).eq(right.iter().copied()))
            })
        };
        group.bench_function("serial", |bencher| bencher.iter_custom(serial));
        let in_pool = |count| {
            let mut pool = Pool::new("slow", 2, square_slowly).expect("a pool");
            pool.map((0..100).map(|number| (number, 1))).expect("no task fails");
            timed(count, |_| assert!(pool.map(all()).expect("no task fails") == right))
        };
        group.bench_function("a pool of 2", |bencher| bencher.iter_custom(in_pool));
        group.finish();
    }
}

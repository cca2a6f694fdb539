//! The same tasks run one after the other, then at the same time.
//!
//! In a serial run a task begins when the task before it has ended. In a parallel run all tasks run at the same moment,
//! each on its own core. Two tasks on one core are only concurrent: they take turns, and the run is not shorter. The
//! speed-up is the serial time divided by the parallel time. It cannot be larger than the number of tasks or the number
//! of cores.
//!
//! Run:       cargo run --release --bin serial_and_parallel -- --timeline
//! Observe:   with two tasks on two cores the parallel run takes about half as long as the serial run. In the output of
//!            the parallel run both tasks begin before one of them ends. The program checks that the results are the
//!            same.
//! Python:    the original prints which task runs and measures nothing. Its threads would take as long as the serial
//!            run.
//! Exercise:  run `taskset -c 0,1 cargo run --release --bin serial_and_parallel -- --tasks 3`: the program may use two
//!            cores. Then run the same command with `taskset -c 0`: the program may use one core. What is the speed-up
//!            each time, and why?

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Number of tasks
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    tasks: u16,
    /// Steps of each task
    #[arg(long, default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    steps: u64,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let run = |number: u16| task(number, args.steps);

        let start = Instant::now();
        let serial: Vec<_> = (0..args.tasks).map(run).collect();
        let serial_time = start.elapsed().as_secs_f64();
        println!("serial: {:.1} ms", serial_time * 1e3);

        let start = Instant::now();
        let parallel: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..args.tasks).map(|number| scope.spawn(move || run(number))).collect();
            lanes::join_all(threads)
        });
        let parallel_time = start.elapsed().as_secs_f64();
        println!("parallel: {:.1} ms, speed-up {:.2}", parallel_time * 1e3, serial_time / parallel_time);

        println!("results: {parallel:?}");
        ensure!(serial == parallel, "the parallel tasks gave other results than the serial ones");
        Ok(())
    })
}

/// Each step needs the result of the step before it, so only another task can run at the same time.
fn task(number: u16, steps: u64) -> u64 {
    let _lane = lanes::lane(format_args!("task {number}"));
    println!("task {number} begins");
    let result =
        (0..steps).fold(number.into(), |x: u64, step| x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(step));
    println!("task {number} ends");
    result
}

//! The same two tasks, one after the other and then at the same time.
//!
//! Serial: a task begins when the one before it has ended. Parallel: both run at the same moment, each on a core of its own.
//! Two tasks on one core are concurrent only: they take turns, and the run is no shorter. The ratio of the two times is the
//! speed-up; it cannot exceed the number of tasks, nor that of cores.
//!
//! Run:       cargo run --release --bin serial_and_parallel -- --timeline
//! Observe:   with two tasks on two cores the second run takes about half as long, and the results are the same.
//! Python:    the original prints which task runs and measures nothing; its threads would take as long as the serial run.
//! Exercise:  run it with `--tasks 3` on two cores, then under `taskset -c 0`. What does the speed-up become, and why?

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Tasks
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    tasks: u16,
    /// Steps of a task
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
            let team: Vec<_> = (0..args.tasks).map(|number| scope.spawn(move || run(number))).collect();
            // A task panics only if the program is wrong.
            lanes::join_all(team)
        });
        let parallel_time = start.elapsed().as_secs_f64();
        println!("parallel: {:.1} ms, speed-up {:.2}", parallel_time * 1e3, serial_time / parallel_time);

        ensure!(serial == parallel, "the tasks gave other results at the same time than one after the other");
        Ok(())
    })
}

/// Steps of which each needs the one before it, so that only another task can run beside it.
fn task(number: u16, steps: u64) -> u64 {
    let _lane = lanes::lane(format_args!("task {number}"));
    println!("task {number} begins");
    let result =
        (0..steps).fold(number.into(), |x: u64, step| x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(step));
    println!("task {number} ends");
    result
}

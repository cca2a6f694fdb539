//! The same numbers, made by one thread, by threads and by processes, and handed back each time.
//!
//! A thread shares the memory of its program: it starts quickly, and handing a list back moves a pointer. A process starts with
//! nothing, and every number must be copied through the system. So the times are split: until the last worker has begun (start),
//! until the last has made its numbers (work), and until all numbers are here (hand back). With more workers than cores the
//! first have ended before the last begins, and much of the work counts as start. The numbers and their
//! times come from `made.rs` and `do_something.rs` in `ch1_parallel/src`: whoever copies this file needs them too.
//!
//! Run:       cargo run --release --bin processes_vs_threads -- --workers 2 --numbers 1000000 --timeline
//! Observe:   the work is the same; what differs is the start and the way back.
//! Python:    the lists of the original's processes are lost: nothing is sent back, so the two sides do different work.
//! Exercise:  send only the sum of each list back. Which of the three times changes, and is it still the same problem?

use std::io::stdout;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context, ensure};
use ch1_parallel::made::{Made, now, times};
use course::lanes;
use course::lesson::{self, Lesson};

#[derive(clap::Parser)]
struct Args {
    /// Threads, then processes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=64))]
    workers: u64,
    /// Numbers of each worker
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    numbers: u32,
    /// Makes the numbers of this worker only and writes them to stdout: what a child process is told
    #[arg(long, hide = true)]
    child: Option<u64>,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (workers, count, seed) = (args.workers, args.numbers as usize, lesson.seed());
        if let Some(worker) = args.child {
            return Made::by(worker, count, seed).write(stdout().lock()).context("stdout");
        }
        println!("{workers} times {count} numbers  start ms   work ms  hand back ms    all ms  speed-up");

        let start = now();
        let serial: Vec<_> =
            lanes::work("one thread", || (0..workers).map(|worker| Made::by(worker, count, seed)).collect());
        let alone = now() - start;
        println!("{:24} {:>43.2} {:>9.2}", "one thread", alone * 1e3, 1.0);

        let start = now();
        let made = lanes::work("threads", || by_threads(workers, count, seed));
        report("threads", start, &made, alone);
        ensure!(same(&made, &serial), "the threads handed back other numbers");
        drop(made);

        let start = now();
        let made = lanes::work("processes", || by_processes(workers, count, lesson))?;
        report("processes", start, &made, alone);
        ensure!(same(&made, &serial), "the processes handed back other numbers");
        Ok(())
    })
}

fn by_threads(workers: u64, count: usize, seed: u64) -> Vec<Made> {
    thread::scope(|scope| {
        let start = |worker| {
            scope.spawn(move || {
                let _lane = lanes::lane(format_args!("thread {worker}"));
                Made::by(worker, count, seed)
            })
        };
        let team: Vec<_> = (0..workers).map(start).collect();
        // A worker panics only if the program is wrong.
        lanes::join_all(team)
    })
}

fn by_processes(workers: u64, count: usize, lesson: &Lesson) -> anyhow::Result<Vec<Made>> {
    let start = |worker| {
        let mut again = Command::new(std::env::current_exe()?);
        lesson.adopt(&mut again, &format!("process {worker}"));
        again.args([format!("--child={worker}"), format!("--numbers={count}"), format!("--seed={}", lesson.seed())]);
        again.stdout(Stdio::piped()).spawn().with_context(|| format!("starting process {worker}"))
    };
    let team: Vec<_> = (0..workers).map(start).collect::<Result<_, _>>()?;
    team.into_iter().enumerate().map(|(worker, child)| receive(worker, child, count)).collect()
}

fn receive(worker: usize, mut child: Child, count: usize) -> anyhow::Result<Made> {
    let pipe = child.stdout.take().context("its stdout is a pipe")?;
    let made = lanes::wait("numbers", || Made::read(count, pipe));
    let status = child.wait()?;
    ensure!(status.success(), "process {worker} ended with {status}");
    made.with_context(|| format!("what process {worker} made"))
}

/// Whether the numbers are the same, whenever they were made.
fn same(made: &[Made], other: &[Made]) -> bool {
    made.len() == other.len() && made.iter().zip(other).all(|(one, other)| one.numbers() == other.numbers())
}

fn report(way: &str, start: f64, made: &[Made], alone: f64) {
    let [a, b, c, d] = times(start, made).map(|seconds| seconds * 1e3);
    println!("{way:24} {a:>9.2} {b:>9.2} {c:>13.2} {d:>9.2} {:>9.2}", alone * 1e3 / d);
}

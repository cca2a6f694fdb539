//! One thread, several threads and several processes make the same numbers and hand them back.
//!
//! A thread shares the memory of its program: it starts fast, and handing a list back moves only a pointer. A process
//! starts with empty memory, and the system must copy every number. So the time is split into three parts: *start*
//! until the last worker has begun, *work* until the last worker has made its numbers, and *hand back* until the parent
//! has all numbers. With more workers than cores the first workers end before the last one begins, so much of their
//! work counts as start. The numbers and the times come from `batch.rs`, `memory.rs` and `do_something.rs` in
//! `ch1_parallel/src`: if you copy this file, copy those too.
//!
//! Run:       cargo run --release --bin processes_vs_threads -- --workers 2 --numbers 1000000 --timeline
//! Observe:   the work takes about the same time both ways. Processes take longer to start and to hand back.
//! Python:    the processes of the original send nothing back, so their lists are lost, and processes and threads do
//!            different work.
//! Exercise:  run it with `--workers 2` and `--numbers` 1000, 100000 and 10000000. Which part of the processes' time
//!            hardly changes, which parts grow with the numbers, and are the processes ever faster than one thread?

use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context, ensure};
use ch1_parallel::batch::{Batch, Times};
use course::clock::Moment;
use course::lanes;
use course::lesson::{self, Lesson};

#[derive(clap::Parser)]
struct Args {
    /// Number of threads, then of processes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=64))]
    workers: u64,
    /// Numbers that each worker makes
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    numbers: u32,
    /// Makes only the numbers of this worker and writes them to stdout: the parent starts its children with this flag
    #[arg(long, hide = true)]
    child: Option<u64>,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (workers, count) = (args.workers, args.numbers as usize);
        if let Some(worker) = args.child {
            return Batch::make(worker, count, lesson.seed())?.hand_back();
        }
        println!("{:24} {}  speed-up", format!("{workers} times {count} numbers"), Times::HEADER);

        let begin = Moment::now();
        let make = |worker| Batch::make(worker, count, lesson.seed());
        let serial: Vec<_> = lanes::work("one thread", || (0..workers).map(make).collect::<anyhow::Result<_>>())?;
        let alone = Moment::now().since(begin).as_secs_f64();
        println!("{:24} {:>43.2} {:>9.2}", "one thread", alone * 1e3, 1.0);

        let ways: [(_, fn(_, _, &_) -> _); 2] = [("threads", by_threads), ("processes", by_processes)];
        for (way, make_all) in ways {
            let begin = Moment::now();
            let batches = lanes::work(way, || make_all(workers, count, lesson))?;
            let times = Times::of(begin, &batches);
            println!("{way:24} {times} {:>9.2}", alone / times.all().as_secs_f64());
            let same = batches.iter().map(|batch| &batch.numbers).eq(serial.iter().map(|batch| &batch.numbers));
            ensure!(same, "the {way} handed back other numbers");
        }
        Ok(())
    })
}

fn by_threads(workers: u64, count: usize, lesson: &Lesson) -> anyhow::Result<Vec<Batch>> {
    thread::scope(|scope| {
        let spawn = |worker| {
            scope.spawn(move || {
                let _lane = lanes::lane(format_args!("thread {worker}"));
                Batch::make(worker, count, lesson.seed())
            })
        };
        let threads: Vec<_> = (0..workers).map(spawn).collect();
        lanes::join_all(threads).into_iter().collect()
    })
}

fn by_processes(workers: u64, count: usize, lesson: &Lesson) -> anyhow::Result<Vec<Batch>> {
    let start = |worker| {
        let mut again = Command::new(std::env::current_exe().context("the path of this program")?);
        lesson.adopt(&mut again, &format!("process {worker}"));
        again.args([format!("--child={worker}"), format!("--numbers={count}"), format!("--seed={}", lesson.seed())]);
        again.stdout(Stdio::piped()).spawn().with_context(|| format!("starting process {worker}"))
    };
    let children: Vec<_> = (0..workers).map(start).collect::<anyhow::Result<_>>()?;
    children.into_iter().enumerate().map(|(worker, child)| receive(worker, child, count)).collect()
}

/// Reads the numbers of a child and waits for its end.
fn receive(worker: usize, mut child: Child, count: usize) -> anyhow::Result<Batch> {
    let pipe = child.stdout.take().context("the stdout of a child is a pipe")?;
    let batch = lanes::wait("numbers", || Batch::read(count, pipe));
    let status = child.wait().with_context(|| format!("waiting for process {worker}"))?;
    ensure!(status.success(), "process {worker} ended with {status}");
    batch.with_context(|| format!("reading the numbers of process {worker}"))
}

//! The cost of asynchronous tasks: of each of many tasks from its spawn to its result, and of 100,000 tasks that sleep at
//! the same time. Python's asyncio does the same work, where `python3` is found.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use benches::script::Script;
use criterion::Criterion;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// So that the time of the first and of the last task does not count.
const LEAST: u64 = 20_000;

/// How many tasks sleep at the same time.
const SLEEPERS: u64 = 100_000;

const PAUSE: Duration = Duration::from_millis(100);

fn main() {
    if env::args().nth(1).as_deref() == Some("sleep") {
        println!("{}", sleep(SLEEPERS).as_nanos());
        println!("{}", peak_memory());
        return;
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let python = Script::find("asyncio", "benches/async_tasks/asyncio_tasks.py");

    let mut group = criterion.benchmark_group("a task of many, from its spawn to its result");
    for (threads, event_loop) in &runtimes() {
        let many = |count| at_least(count, |count| in_a_task(event_loop, at_once(count)));
        group.bench_function(*threads, |bencher| bencher.iter_custom(many));
    }
    if let Some(script) = &python {
        let many = |count| script.time(&["at_once"], count, LEAST);
        group.bench_function("asyncio", |bencher| bencher.iter_custom(many));
    }
    group.finish();

    println!("\n{SLEEPERS} tasks that sleep {} ms, each in a process of its own", PAUSE.as_millis());
    println!("{:<12} {:>8} {:>16}", "", "time, s", "peak memory, MiB");
    let this = env::current_exe().expect("the path of this program").display().to_string();
    sleepers("this course", &[this]);
    match &python {
        Some(script) => sleepers("asyncio", &script.command),
        None => println!("asyncio: left out, since this machine has no python3"),
    }
    criterion.final_summary();
}

/// An event loop on one thread, and on each core.
fn runtimes() -> [(&'static str, Runtime); 2] {
    let built = |mut builder: Builder| builder.enable_time().build().expect("a runtime");
    [("1 thread", built(Builder::new_current_thread())), ("a thread per core", built(Builder::new_multi_thread()))]
}

/// The thread that calls `block_on` is not one of the threads that run tasks: a task of its own measures from inside.
fn in_a_task(event_loop: &Runtime, work: impl Future<Output = Duration> + Send + 'static) -> Duration {
    event_loop.block_on(event_loop.spawn(work)).expect("no panic")
}

fn at_least(count: u64, tasks: impl Fn(u64) -> Duration) -> Duration {
    let times = count.max(LEAST);
    tasks(times).mul_f64(count as f64 / times as f64)
}

async fn at_once(count: u64) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(async move { number })).collect();
    assert_sum(tasks).await;
    start.elapsed()
}

fn sleep(count: u64) -> Duration {
    let event_loop = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let start = Instant::now();
    let sleeper = |number| async move {
        tokio::time::sleep(PAUSE).await;
        number
    };
    event_loop.block_on(async {
        let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(sleeper(number))).collect();
        assert_sum(tasks).await;
    });
    start.elapsed()
}

async fn assert_sum(tasks: Vec<JoinHandle<u64>>) {
    let count = tasks.len() as u64;
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no panic");
    }
    assert_eq!(sum, count * (count - 1) / 2);
}

/// The largest resident memory of this process, in KiB.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").into()
}

/// Runs a program three times, and prints the median of its times and of its memory.
fn sleepers(name: &str, command: &[String]) {
    let run = |_| {
        let mut program = Command::new(&command[0]);
        let output = program.args(&command[1..]).args(["sleep", &SLEEPERS.to_string()]).output().expect(name);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.lines().map(|line| line.parse::<f64>().expect("a number"));
        (numbers.next().expect("nanoseconds") / 1e9, numbers.next().expect("KiB") / 1024.0)
    };
    let (mut times, mut memory): (Vec<f64>, Vec<f64>) = (0..3).map(run).unzip();
    for values in [&mut times, &mut memory] {
        values.sort_by(f64::total_cmp);
    }
    println!("{name:<12} {:>8.3} {:>16.1}", times[1], memory[1]);
}

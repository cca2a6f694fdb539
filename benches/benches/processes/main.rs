//! What processes cost: to start, to talk to, to share work with. Beside a plain C program and Python's `multiprocessing`
//! doing the same, where `cc` and `python3` are found.
//!
//! A message one way is half of there and back. Every result is checked, outside of the timing where that would count.

mod peers;

use std::hint::black_box;
use std::time::{Duration, Instant};

use ch3_processes::{Pool, channel, children, pipe, queue, spawn};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use peers::Peers;

const MIB: usize = 1 << 20;

fn main() {
    children![pipe_back, channel_back, queue_back, square, square_slowly];
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let peers = Peers::new();
    start(&mut criterion, &peers);
    for size in [8, MIB] {
        messages(&mut criterion, &peers, size);
    }
    queues(&mut criterion, &peers);
    pools(&mut criterion, &peers);
    computation(&mut criterion);
    criterion.final_summary();
}

/// Measures `many`, which says how long so many took.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, many: impl Fn(u64) -> Duration) {
    group.bench_function(name, |bencher| bencher.iter_custom(&many));
}

fn timed(count: u64, mut act: impl FnMut(u64)) -> Duration {
    let start = Instant::now();
    (0..count).for_each(&mut act);
    start.elapsed()
}

fn start(criterion: &mut Criterion, peers: &Peers) {
    let mut group = criterion.benchmark_group("start and join a child");
    peers.ours(&mut group, "this course");
    peers.c(&mut group, "C: vfork and exec of /bin/true", &["start"]);
    peers.python(&mut group, "Python: fork", &["fork"]);
    peers.python(&mut group, "Python: spawn", &["spawn"]);
    group.finish();
}

fn pipe_back(
    mut receiver: ch3_processes::Receiver<[u8]>,
    mut sender: ch3_processes::Sender<[u8]>,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    while receiver.recv_bytes(&mut bytes)? {
        sender.send_bytes(&bytes)?;
    }
    Ok(())
}

fn channel_back(mut receiver: channel::Receiver<[u8]>, mut sender: channel::Sender<[u8]>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    while receiver.recv_bytes(&mut bytes)? {
        sender.send_bytes(&bytes)?;
    }
    Ok(())
}

/// Half of the time that so many messages take to a child, which runs `$back`, and back. `$connection` makes either way.
macro_rules! one_way {
    ($connection:ident, $back:ident, $count:expr, $size:expr) => {{
        let ((mut there, child_in), (child_out, mut back)) =
            ($connection().expect("a connection"), $connection().expect("a connection"));
        let child = spawn("back", $back, (child_in, child_out)).expect("a child");
        let (mut message, mut came) = (vec![7; $size], Vec::new());
        let mut one = |number: u64| {
            message[0] = number as u8;
            there.send_bytes(&message).expect("it goes");
            assert!(back.recv_bytes(&mut came).expect("it comes"));
            assert!(came.len() == $size && came[0] == number as u8);
        };
        // The child begins.
        (0..10).for_each(&mut one);
        let time = timed($count, one) / 2;
        drop(there);
        child.join().expect("it ends well");
        time
    }};
}

fn messages(criterion: &mut Criterion, peers: &Peers, size: usize) {
    let bytes = if size == MIB { "1 MiB".into() } else { format!("{size} B") };
    let mut group = criterion.benchmark_group(format!("{bytes} one way"));
    let argument = size.to_string();
    measure(&mut group, "pipe", |count| one_way!(pipe, pipe_back, count, size));
    peers.c_halved(&mut group, "C: pipe", &["pipe", &argument]);
    peers.python_halved(&mut group, "Python: pipe", &["pipe", &argument]);
    measure(&mut group, "channel in shared memory", |count| one_way!(channel, channel_back, count, size));
    group.finish();
}

fn queue_back(receiver: queue::Receiver<u64>, sender: queue::Sender<u64>) -> anyhow::Result<()> {
    for value in receiver {
        sender.send(&value?)?;
    }
    Ok(())
}

fn queues(criterion: &mut Criterion, peers: &Peers) {
    let mut group = criterion.benchmark_group("a queue there and one back");
    measure(&mut group, "this course", |count| {
        let ((there, child_in), (child_out, back)) = (queue().expect("memory"), queue().expect("memory"));
        let child = spawn("back", queue_back, (child_in, child_out)).expect("a child");
        let one = |number| {
            there.send(&number).expect("it goes");
            assert_eq!(back.recv().expect("it comes"), Some(number));
        };
        (0..10).for_each(one);
        let time = timed(count, one);
        drop(there);
        child.join().expect("it ends well");
        time
    });
    peers.python(&mut group, "Python", &["queue"]);
    group.finish();
}

fn square(number: u64) -> anyhow::Result<u64> {
    Ok(number * number)
}

fn pools(criterion: &mut Criterion, peers: &Peers) {
    const TASKS: u64 = 20_000;
    for (name, chunk) in [("chunks of 1", 1), ("automatic chunks", 0)] {
        let mut group = criterion.benchmark_group(format!("a task of a pool's map, {name}"));
        let chunk_text = chunk.to_string();
        measure(&mut group, "this course", |count| {
            let mut pool = Pool::new("square", 2, square).expect("a pool");
            let mut map = |count: u64| {
                let start = Instant::now();
                let squares = if chunk == 0 { pool.map(0..count) } else { pool.map_in_chunks(0..count, chunk) };
                let time = start.elapsed();
                assert!(squares.expect("no task fails").into_iter().eq((0..count).map(|number| number * number)));
                time
            };
            map(1000);
            // A map of less says more of its end than of its tasks.
            let tasks = count.max(TASKS);
            map(tasks).mul_f64(count as f64 / tasks as f64)
        });
        peers.python_at_least(&mut group, "Python", &["map", &chunk_text], TASKS);
        group.finish();
    }
    let mut group = criterion.benchmark_group("a task submitted to a pool and its result");
    measure(&mut group, "this course", |count| {
        let mut pool = Pool::new("square", 2, square).expect("a pool");
        let mut one = |number| {
            let ticket = pool.submit(number);
            assert_eq!(pool.join(ticket).expect("it does not fail"), number * number);
        };
        (0..10).for_each(&mut one);
        timed(count, one)
    });
    peers.python(&mut group, "Python", &["submit"]);
    group.finish();
}

/// Steps that each need the one before.
fn square_slowly((number, steps): (u64, u64)) -> anyhow::Result<u64> {
    Ok((0..steps).fold(number, |x, step| black_box(x.rotate_left(1).wrapping_add(step))))
}

fn computation(criterion: &mut Criterion) {
    // Some 50 µs and 2 ms.
    for (name, steps, tasks) in [("2000 tasks of 50 µs", 92_000, 2000), ("100 tasks of 2 ms", 3_700_000, 100)] {
        let all = || (0..tasks).map(move |number| (number, steps));
        let right: Vec<_> = all().map(|task| square_slowly(task).expect("it does not fail")).collect();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        measure(&mut group, "serial", |count| {
            timed(count, |_| {
                assert!(all().map(|task| square_slowly(task).expect("it does not fail")).eq(right.iter().copied()))
            })
        });
        measure(&mut group, "a pool of 2", |count| {
            let mut pool = Pool::new("slow", 2, square_slowly).expect("a pool");
            pool.map((0..100).map(|number| (number, 1))).expect("it does not fail");
            timed(count, |_| assert!(pool.map(all()).expect("it does not fail") == right))
        });
        group.finish();
    }
}

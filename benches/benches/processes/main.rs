//! The cost of processes: of their start, of messages to them, of work shared with them. A plain C program and Python's
//! `multiprocessing` do the same work, where `cc` and `python3` are found.
//!
//! The time of a message is half the time of a message to a child and back. Every result is checked, outside the measured time
//! where the check would change it.

#[path = "../peer/mod.rs"]
mod peer;
mod peers;

use std::hint::black_box;
use std::time::{Duration, Instant};

use ch3_processes::{Pool, channel, children, pipe, queue, spawn};
use criterion::Criterion;
use peer::measure;
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

/// Half the time that `$count` messages take to a child and back. The child runs `$back`; `$connection` makes each direction.
macro_rules! one_way {
    ($connection:ident, $back:ident, $count:expr, $size:expr) => {{
        let ((mut there, child_in), (child_out, mut back)) =
            ($connection().expect("a connection"), $connection().expect("a connection"));
        let child = spawn("back", $back, (child_in, child_out)).expect("a child");
        let (mut message, mut received) = (vec![7; $size], Vec::new());
        let mut one = |number: u64| {
            message[0] = number as u8;
            there.send_bytes(&message).expect("the child lives");
            assert!(back.recv_bytes(&mut received).expect("the child lives"));
            assert!(received.len() == $size && received[0] == number as u8);
        };
        // Not timed: the child may not have started yet.
        (0..10).for_each(&mut one);
        let time = timed($count, one) / 2;
        drop(there);
        child.join().expect("the child does not fail");
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
    let mut group = criterion.benchmark_group("a queue to a child and a queue back");
    measure(&mut group, "this course", |count| {
        let ((there, child_in), (child_out, back)) = (queue().expect("memory"), queue().expect("memory"));
        let child = spawn("back", queue_back, (child_in, child_out)).expect("a child");
        let one = |number| {
            there.send(&number).expect("the child lives");
            assert_eq!(back.recv().expect("the child lives"), Some(number));
        };
        (0..10).for_each(one);
        let time = timed(count, one);
        drop(there);
        child.join().expect("the child does not fail");
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
            // In a shorter map, its start and its end would take most of the time.
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
            assert_eq!(pool.join(ticket).expect("no task fails"), number * number);
        };
        (0..10).for_each(&mut one);
        timed(count, one)
    });
    peers.python(&mut group, "Python", &["submit"]);
    group.finish();
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
        measure(&mut group, "serial", |count| {
            timed(count, |_| {
                assert!(all().map(|task| square_slowly(task).expect("no task fails")).eq(right.iter().copied()))
            })
        });
        measure(&mut group, "a pool of 2", |count| {
            let mut pool = Pool::new("slow", 2, square_slowly).expect("a pool");
            pool.map((0..100).map(|number| (number, 1))).expect("no task fails");
            timed(count, |_| assert!(pool.map(all()).expect("no task fails") == right))
        });
        group.finish();
    }
}

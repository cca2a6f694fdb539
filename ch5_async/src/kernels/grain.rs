//! `grain` by asynchronous tasks: each has a point of the graph, and a channel to each point that needs its values.
//!
//! What decides is the way back to a core. A task that awaits a message leaves its thread. If the thread has nothing else
//! to do, the system puts it to sleep, and a message then costs a system call and the time to wake the thread. Besides,
//! tokio puts the woken task into a slot of the *sender's* thread, from which other threads cannot steal: two tasks that
//! exchange values would run on one thread, one after the other, while the other core is idle. So a task that needs a value
//! does not await it. It looks for the value again and again, and between the looks gives way to other tasks.

use std::future::poll_fn;
use std::hint::spin_loop;
use std::sync::Arc;
use std::task::Poll;
use std::thread::available_parallelism;

use anyhow::Context;
use ch1_parallel::kernels::grain::{Graph, Tally, Task, check};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use tokio::runtime::Builder;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many values a channel holds. In a tree no point waits for its children, so they may be late.
const ROOM: usize = 4;

/// How many times a task looks for a value before it gives way to other tasks: for less than a microsecond.
const LOOKS: u32 = 20;

/// The channels of a point, in places with the numbers of the other points.
struct Channels {
    from: Vec<Option<Receiver<u64>>>,
    to: Vec<Option<Sender<u64>>>,
}

/// Each task runs the tasks of its point, step by step. There are as many threads as cores, or less if there are fewer
/// points.
///
/// # Errors
/// The system gives no event loop, or the clock of an iteration was not stopped exactly once.
pub fn tasks(problem: &Problem) -> anyhow::Result<Measured> {
    let cores = available_parallelism().map_or(1, usize::from);
    let event_loop =
        Builder::new_multi_thread().worker_threads(problem.workers.min(cores)).build().context("the event loop")?;
    let barrier = Arc::new(Barrier::new(problem.workers));
    let points = channels(&Graph::of(problem)).into_iter().enumerate();
    let done = lanes::wait("tasks", || {
        event_loop.block_on(async {
            let spawn = |(number, channels)| {
                let point = point(*problem, number, channels, barrier.clone());
                tokio::spawn(lanes::task(format!("worker {number}"), point))
            };
            let tasks: Vec<_> = points.map(spawn).collect();
            let mut done = Vec::new();
            for task in tasks {
                done.push(task.await.expect("the task does not panic"));
            }
            done
        })
    });
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, done.into_iter().map(|(_, tally)| tally).sum()) })
}

/// A channel for each pair of points of which one needs values of the other.
fn channels(graph: &Graph) -> Vec<Channels> {
    let none =
        || Channels { from: (0..graph.width).map(|_| None).collect(), to: (0..graph.width).map(|_| None).collect() };
    let mut all: Vec<_> = (0..graph.width).map(|_| none()).collect();
    // After these steps the dependencies repeat.
    for step in 0..graph.steps.min(64) {
        for to in 0..graph.points(step) {
            for from in graph.dependencies(step, to).filter(|&from| from != to) {
                if all[to].from[from].is_none() {
                    let (sender, receiver) = channel(ROOM);
                    all[to].from[from] = Some(receiver);
                    all[from].to[to] = Some(sender);
                }
            }
        }
    }
    all
}

async fn point(problem: Problem, point: usize, mut channels: Channels, barrier: Arc<Barrier>) -> (Laps, Tally) {
    let graph = Graph::of(&problem);
    let (mut laps, mut tally, mut own) = (Laps::default(), Tally::default(), 0);
    for iteration in 0..=problem.iterations {
        for step in (0..graph.steps).filter(|&step| point < graph.points(step)) {
            let task = Task { iteration, step, point };
            for input in graph.dependencies(step, point) {
                let value = match &mut channels.from[input] {
                    Some(from) => receive(from).await,
                    // The point's own value needs no channel.
                    None => own,
                };
                tally.input(Task { step: step - 1, point: input, ..task }, value);
            }
            own = tally.run(task, problem.grain);
            for to in graph.dependents(step, point).filter_map(|to| channels.to[to].as_ref()) {
                to.send(own).await.expect("the other task has not ended");
            }
        }
        laps.end(lanes::wait_for("barrier", barrier.wait()).await.is_leader());
    }
    (laps, tally)
}

/// Receives a value as soon as it is there.
async fn receive(from: &mut Receiver<u64>) -> u64 {
    match look(from) {
        Some(value) => value,
        None => lanes::wait_for("value", look_again(from)).await,
    }
}

/// Looks for a value for a moment.
fn look(from: &mut Receiver<u64>) -> Option<u64> {
    (0..LOOKS).find_map(|_| {
        spin_loop();
        from.try_recv().ok()
    })
}

async fn look_again(from: &mut Receiver<u64>) -> u64 {
    loop {
        give_way().await;
        if let Some(value) = look(from) {
            return value;
        }
    }
}

/// Lets other tasks run. The task wakes itself, so tokio puts it into the queue of the thread, from which an idle thread steals
/// it. After `tokio::task::yield_now` no other thread could steal it.
async fn give_way() {
    let mut has_given_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_given_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

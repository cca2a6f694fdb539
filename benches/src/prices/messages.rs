//! A message, one way: half of the time that it needs there and back.
//!
//! For a message of 1 MiB, threads and tasks of one process move only its address. Processes copy the bytes.

use std::hint::spin_loop;
use std::mem::take;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ch3_processes::queue::queue_of;
use ch3_processes::{Counters, channel, pipe, queue, spawn};
use tokio::runtime::Builder;
use tokio::sync::mpsc as tokio_mpsc;

use super::turn::{seconds_each, timed};
use super::{Operation, Way};

const MIB: usize = 1 << 20;

/// The ways to send a message.
pub fn ways() -> Vec<Way> {
    let short = |name, measure| Way { operation: Operation::ShortMessage, name, workers: 2, measure };
    let long = |name, measure| Way { operation: Operation::LongMessage, name, workers: 2, measure };
    vec![
        short("crossbeam channel", crossbeam_channel::<u64>),
        short("std channel", std_channel::<u64>),
        short("tokio channel", tokio_channel::<u64>),
        short("pipe", pipe_of::<8>),
        short("process channel in shared memory", channel_of::<8>),
        short("process queue", queue_of_size::<8>),
        short("process counter in shared memory", shared_counter),
        long("crossbeam channel", crossbeam_channel::<Vec<u8>>),
        long("std channel", std_channel::<Vec<u8>>),
        long("tokio channel", tokio_channel::<Vec<u8>>),
        long("pipe", pipe_of::<MIB>),
        long("process channel in shared memory", channel_of::<MIB>),
        long("process queue", queue_of_size::<MIB>),
    ]
}

/// What is sent. A mark tells a message from the one before it.
trait Message: Default + Send + 'static {
    fn new() -> Self;
    fn mark(&mut self, number: u64);
    fn has_mark(&self, number: u64) -> bool;
}

impl Message for u64 {
    fn new() -> Self {
        0
    }

    fn mark(&mut self, number: u64) {
        *self = number;
    }

    fn has_mark(&self, number: u64) -> bool {
        *self == number
    }
}

impl Message for Vec<u8> {
    fn new() -> Self {
        vec![7; MIB]
    }

    fn mark(&mut self, number: u64) {
        if let [first, .., last] = &mut self[..] {
            (*first, *last) = (number as u8, number as u8);
        }
    }

    fn has_mark(&self, number: u64) -> bool {
        matches!(&self[..], [first, .., last] if *first == number as u8 && *last == number as u8)
    }
}

/// Half the seconds of a call of `round_trip`, which sends a message with this number and receives it back.
fn one_way(turn: Duration, mut round_trip: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    // Not timed: the other side may not have started yet.
    timed(10, &mut round_trip)?;
    Ok(seconds_each(turn, 10, |count| timed(count, &mut round_trip))? / 2.0)
}

/// Messages to a thread and back. The channels of both libraries have the same methods.
macro_rules! to_a_thread {
    ($channel:path, $turn:expr) => {{
        let ((there, inbox), (outbox, back)) = ($channel(), $channel());
        thread::scope(|scope| {
            scope.spawn(move || inbox.into_iter().try_for_each(|message| outbox.send(message)));
            let mut message = T::new();
            let seconds = one_way($turn, |number| {
                message.mark(number);
                there.send(take(&mut message)).context("the thread has ended")?;
                message = back.recv()?;
                ensure!(message.has_mark(number), "message {number} did not come back as it was sent");
                Ok(())
            });
            drop(there);
            seconds
        })
    }};
}

fn crossbeam_channel<T: Message + Sync>(_: usize, turn: Duration) -> anyhow::Result<f64> {
    to_a_thread!(crossbeam::channel::unbounded, turn)
}

fn std_channel<T: Message + Sync>(_: usize, turn: Duration) -> anyhow::Result<f64> {
    to_a_thread!(mpsc::channel, turn)
}

fn tokio_channel<T: Message + Sync>(_: usize, turn: Duration) -> anyhow::Result<f64> {
    let event_loop = Builder::new_multi_thread().worker_threads(2).build()?;
    let seconds = seconds_each(turn, 100, |count| {
        let ((there, mut inbox), (outbox, mut back)) = (tokio_mpsc::channel(1), tokio_mpsc::channel(1));
        event_loop.spawn(async move {
            while let Some(message) = inbox.recv().await {
                if outbox.send(message).await.is_err() {
                    break;
                }
            }
        });
        let all = event_loop.spawn(async move {
            let mut message = T::new();
            let start = Instant::now();
            for number in 0..count {
                message.mark(number);
                there.send(take(&mut message)).await.ok().context("the task has ended")?;
                message = back.recv().await.context("the task has ended")?;
                ensure!(message.has_mark(number), "message {number} did not come back as it was sent");
            }
            Ok(start.elapsed())
        });
        event_loop.block_on(all)?
    })?;
    Ok(seconds / 2.0)
}

pub fn pipe_back(
    mut receiver: ch3_processes::Receiver<[u8]>,
    mut sender: ch3_processes::Sender<[u8]>,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    while receiver.recv_bytes(&mut bytes)? {
        sender.send_bytes(&bytes)?;
    }
    Ok(())
}

pub fn channel_back(mut receiver: channel::Receiver<[u8]>, mut sender: channel::Sender<[u8]>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    while receiver.recv_bytes(&mut bytes)? {
        sender.send_bytes(&bytes)?;
    }
    Ok(())
}

/// Messages to a process and back. The process runs `$back`; `$connection` makes each direction.
macro_rules! to_a_process {
    ($connection:path, $back:expr, $size:expr, $turn:expr) => {{
        let ((mut there, child_in), (child_out, mut back)) = ($connection()?, $connection()?);
        let child = spawn("back", $back, (child_in, child_out))?;
        let (mut message, mut received) = (vec![7; $size], Vec::new());
        let seconds = one_way($turn, |number| {
            message.mark(number);
            there.send_bytes(&message)?;
            let is_right = back.recv_bytes(&mut received)? && received.len() == $size && received.has_mark(number);
            ensure!(is_right, "message {number} did not come back as it was sent");
            Ok(())
        })?;
        drop(there);
        child.join()?;
        Ok(seconds)
    }};
}

fn pipe_of<const SIZE: usize>(_: usize, turn: Duration) -> anyhow::Result<f64> {
    to_a_process!(pipe, pipe_back, SIZE, turn)
}

fn channel_of<const SIZE: usize>(_: usize, turn: Duration) -> anyhow::Result<f64> {
    to_a_process!(channel, channel_back, SIZE, turn)
}

pub fn queue_back(receiver: queue::Receiver<Vec<u8>>, sender: queue::Sender<Vec<u8>>) -> anyhow::Result<()> {
    for message in receiver {
        sender.send(&message?)?;
    }
    Ok(())
}

/// A queue takes values of any type, so it serializes the bytes, and many processes may use it at the same time.
fn queue_of_size<const SIZE: usize>(_: usize, turn: Duration) -> anyhow::Result<f64> {
    let room = (4 * SIZE).max(1 << 16);
    let ((there, child_in), (child_out, back)) = (queue_of::<Vec<u8>>(room)?, queue_of::<Vec<u8>>(room)?);
    let child = spawn("back", queue_back, (child_in, child_out))?;
    let mut message = vec![7; SIZE];
    let seconds = one_way(turn, |number| {
        message.mark(number);
        there.send(&message)?;
        let received = back.recv()?;
        let is_right = received.is_some_and(|received| received.len() == SIZE && received.has_mark(number));
        ensure!(is_right, "message {number} did not come back as it was sent");
        Ok(())
    })?;
    drop(there);
    child.join()?;
    Ok(seconds)
}

/// The last message through a counter.
const END: u64 = u64::MAX;

pub fn shared_back(counters: Counters) -> anyhow::Result<()> {
    let mut last = 0;
    while last != END {
        last = another(&counters[0], last);
        counters[1].store(last, Release);
    }
    Ok(())
}

/// Two counters in shared memory, each changed by one process and read in a loop by the other process. A message is a
/// change.
fn shared_counter(_: usize, turn: Duration) -> anyhow::Result<f64> {
    let counters = Counters::new(2)?;
    let child = spawn("back", shared_back, (counters.clone(),))?;
    let mut sent = 0;
    let seconds = one_way(turn, |_| {
        sent += 1;
        counters[0].store(sent, Release);
        let received = another(&counters[1], sent - 1);
        ensure!(received == sent, "{received} came back, not {sent}");
        Ok(())
    })?;
    counters[0].store(END, Release);
    child.join()?;
    Ok(seconds)
}

/// Reads until the number differs from `last`. After 1000 reads, the reader offers its core to others between two reads.
fn another(number: &AtomicU64, last: u64) -> u64 {
    let mut reads = 0;
    loop {
        match number.load(Acquire) {
            now if now != last => return now,
            _ if reads < 1000 => spin_loop(),
            _ => thread::yield_now(),
        }
        reads += 1;
    }
}

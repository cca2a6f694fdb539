//! A producer process puts random numbers into a queue, and a consumer process takes them out.
//!
//! A queue can have many senders and many receivers, and each number goes to one receiver. An empty queue is no reason
//! to stop, because the producer may be slow. The queue is closed once every sender is dropped and the queue is empty:
//! then `recv` returns `None` to every consumer.
//!
//! Run:       cargo run --bin process_queue -- --producers 1 --consumers 1 --items 10 --timeline
//! Observe:   each line of a producer or a consumer says the size of the queue. The consumer is faster than the producer, so it waits while the
//!            size is 0.
//! Python:    the consumer stops when it finds the queue empty. If it starts first, it stops at once, and all items are
//!            lost.
//! Exercise:  let the parent keep its sender until after the join: replace `drop((sender, receiver));` by
//!            `drop(receiver);`. Which processes wait now, and for what? End the program with Ctrl-C.

use std::process::{ExitCode, id};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use anyhow::{Context, ensure};
use ch3_processes::queue::{Receiver, Sender};
use ch3_processes::{Counters, children, join_all, process, queue, spawn};
use course::{lanes, lesson};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Processes that put numbers in
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    producers: u16,
    /// Processes that take numbers out
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    consumers: u16,
    /// Numbers of each producer
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

fn main() -> ExitCode {
    children![produce, consume];
    lesson::run!(|args: Args, lesson| {
        println!("process {} makes the queue", id());
        let (sender, receiver) = queue().context("a queue")?;
        let size = Counters::new(1).context("a counter")?;
        let work = lesson.pause(1.0);
        let mut processes = Vec::new();
        for number in 1..=args.producers {
            let mut random = lesson.rng(number.into());
            let items: Vec<u64> = (0..args.items).map(|_| random.random_range(0..=256)).collect();
            let arguments = (items, work, sender.try_clone()?, size.clone());
            processes.push(spawn(format!("producer {number}"), produce, arguments)?);
        }
        for number in 1..=args.consumers {
            let arguments = (work / 2, receiver.try_clone()?, size.clone());
            processes.push(spawn(format!("consumer {number}"), consume, arguments)?);
        }
        // While the parent holds a sender, the queue is not closed.
        drop((sender, receiver));

        let mut put = join_all(processes)?;
        let mut taken = put.split_off(args.producers.into()).concat();
        let mut put = put.concat();
        println!("{} numbers put in, {} numbers taken out", put.len(), taken.len());
        put.sort_unstable();
        taken.sort_unstable();
        ensure!(put == taken && size[0].load(SeqCst) == 0, "the numbers put in are not the numbers taken out");
        Ok(())
    })
}

/// Puts the items into the queue, and returns them.
fn produce(items: Vec<u64>, work: Duration, queue: Sender<u64>, size: Counters) -> anyhow::Result<Vec<u64>> {
    for item in &items {
        // Counted before it is put in, so that the size is never below zero.
        let size = size[0].fetch_add(1, SeqCst) + 1;
        println!("{}: {item} goes into the queue, its size is {size}", process::name());
        lanes::wait("room in the queue", || queue.send(item))?;
        lanes::sleep("work: makes an item", work);
    }
    Ok(items) // `queue` is dropped here.
}

/// Takes items from the queue until it is closed, and returns them.
fn consume(work: Duration, queue: Receiver<u64>, size: Counters) -> anyhow::Result<Vec<u64>> {
    let mut taken = Vec::new();
    while let Some(item) = lanes::wait("an item", || queue.recv())? {
        let size = size[0].fetch_sub(1, SeqCst) - 1;
        println!("{}: {item} taken from the queue, its size is {size}", process::name());
        taken.push(item);
        lanes::sleep("work: uses an item", work);
    }
    Ok(taken)
}

//! A producer process puts random numbers into a queue, and a consumer process takes them out.
//!
//! A queue may have many ends on both sides: each number goes to one consumer. An empty queue is no reason to stop, since the
//! producer may be slow. Its end is: when no process has a sender any more and all is taken, every consumer is told so.
//!
//! Run:       cargo run --bin process_queue -- --producers 1 --consumers 1 --items 10 --timeline
//! Observe:   the consumer waits where the producer is slower, and takes as many numbers as were put in.
//! Python:    the consumer stops when it finds the queue empty. If it comes first it stops at once, and all items are lost.
//! Exercise:  keep the parent's `sender` until after the joins. Who waits for whom? End it with Ctrl-C.

use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::{Context, ensure};
use ch3_processes::queue::{Receiver, Sender};
use ch3_processes::{children, join_all, queue, spawn};
use course::{lanes, lesson};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[derive(clap::Parser)]
struct Args {
    /// Processes that put numbers in
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    producers: u16,
    /// Processes that take them
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
        let (items, pause) = (args.items, lesson.pause(1.0));
        let mut processes = Vec::new();
        for number in 1..=args.producers {
            let seed = lesson.rng(number.into()).random();
            let arguments = (number, items, seed, pause, sender.try_clone()?);
            processes.push(spawn(format!("producer {number}"), produce, arguments)?);
        }
        for number in 1..=args.consumers {
            processes.push(spawn(format!("consumer {number}"), consume, (number, pause / 2, receiver.try_clone()?))?);
        }
        // The queue ends with the last sender, so none may stay here.
        drop((sender, receiver));

        let mut made = lanes::wait("join", || join_all(processes))?;
        let taken = made.split_off(args.producers.into());
        let [made, taken] = [made, taken].map(|lists| {
            let mut all = lists.concat();
            all.sort_unstable();
            all
        });
        println!("{} numbers put in, their sum is {}", made.len(), made.iter().sum::<u64>());
        println!("{} numbers taken, their sum is {}", taken.len(), taken.iter().sum::<u64>());
        ensure!(made.len() == usize::from(args.producers) * items as usize, "{} numbers were made", made.len());
        ensure!(made == taken, "other numbers were taken than put in");
        Ok(())
    })
}

fn produce(number: u16, items: u32, seed: u64, pause: Duration, queue: Sender<u64>) -> anyhow::Result<Vec<u64>> {
    let mut random = StdRng::seed_from_u64(seed);
    let made: Vec<u64> = (0..items).map(|_| random.random_range(0..=256)).collect();
    for item in &made {
        println!("producer {number}: {item} goes into the queue");
        lanes::wait("room in the queue", || queue.send(item))?;
        lanes::sleep("makes an item", pause);
    }
    Ok(made) // `queue` is dropped here.
}

fn consume(number: u16, pause: Duration, queue: Receiver<u64>) -> anyhow::Result<Vec<u64>> {
    let mut taken = Vec::new();
    while let Some(item) = lanes::wait("an item", || queue.recv())? {
        println!("consumer {number}: {item} taken");
        taken.push(item);
        lanes::sleep("uses an item", pause);
    }
    Ok(taken)
}

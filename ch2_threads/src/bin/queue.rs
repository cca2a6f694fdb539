//! A producer puts random numbers into a queue, and three consumers take them out.
//!
//! A channel is a queue that can be closed. It gives each item to one receiver. The queue is closed once every sender
//! is dropped. Then `recv` returns an error to every receiver as soon as the queue is empty. Inside, a channel needs
//! what `condition` needs, a lock and a condition variable. This channel is crossbeam's, because std's has one receiver
//! only.
//!
//! Run:       cargo run --bin queue -- --consumers 3 --timeline
//! Observe:   each number is taken by exactly one consumer. The producer prints how many numbers the queue holds. All
//!            consumers print that the queue is closed, and end.
//! Python:    the consumers call `get()` in an endless loop, so the program never ends.
//! Exercise:  after the line that makes the channel, add `let _kept = sender.clone();`. Which threads wait for ever
//!            now, and for what? End the program with Ctrl-C.

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use crossbeam::channel::{Receiver, bounded};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Number of items
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
    /// Number of threads that take items
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    consumers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let mut made: Vec<u8> = lesson.rng(0).random_iter().take(args.items as usize).collect();
        let (sender, receiver) = bounded(10);

        let mut taken = thread::scope(|scope| {
            let (made, receiver) = (&made, &receiver);
            // `move`, so that the producer owns the sender: at its end it drops the sender, which closes the queue.
            scope.spawn(move || {
                let _lane = lanes::lane("producer");
                for &item in made {
                    // `send` fails only if there is no receiver any more; `main` keeps one.
                    lanes::wait("room in the queue", || sender.send(item)).expect("there is a receiver");
                    println!("producer: {item} sent, the queue holds {}", sender.len());
                    lanes::sleep("work: makes an item", lesson.pause(1.0));
                }
            });
            let consumers = (1..=args.consumers).map(|number| scope.spawn(move || consume(number, receiver)));
            // Collected, so that all consumers run before the first is joined.
            let consumers: Vec<_> = consumers.collect();
            lanes::join_all(consumers).concat()
        });

        made.sort_unstable();
        taken.sort_unstable();
        ensure!(taken == made, "made {made:?}, taken {taken:?}");
        Ok(())
    })
}

fn consume(number: u16, queue: &Receiver<u8>) -> Vec<u8> {
    let _lane = lanes::lane(format_args!("consumer {number}"));
    let mut taken = Vec::new();
    while let Ok(item) = lanes::wait("an item", || queue.recv()) {
        println!("consumer {number}: {item} taken");
        taken.push(item);
    }
    println!("consumer {number}: the queue is closed");
    taken
}

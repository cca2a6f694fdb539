//! A producer puts random numbers into a queue, and three consumers take them out.
//!
//! A channel is a queue with an end: it hands each item to one receiver, and when the last sender has gone and the queue is
//! empty, every receiver is told so. The lock and the condition variable of `condition` are inside, and the end, which that
//! buffer does not have. This is crossbeam's: std's channel has one receiver only.
//!
//! Run:       cargo run --bin queue -- --consumers 3 --timeline
//! Observe:   each number is taken by one of the consumers, whichever is free, and all of them end.
//! Python:    consumers loop for ever on `get()`: the program never ends.
//! Exercise:  keep a clone of the sender in `main` until after the joins. Who waits for whom? End it with Ctrl-C.

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use crossbeam::channel::{Receiver, bounded};
use rand::RngExt;

#[derive(clap::Parser)]
struct Args {
    /// Numbers
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
    /// Threads that take them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    consumers: u16,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let made: Vec<u32> = (0..args.items).scan(lesson.rng(0), |rng, _| Some(rng.random_range(0..=256))).collect();
        let (sender, receiver) = bounded(10);

        let mut taken: Vec<u32> = thread::scope(|scope| {
            let made = &made;
            scope.spawn(move || {
                let _lane = lanes::lane("producer");
                for &item in made {
                    println!("producer: {item} goes into the queue");
                    // It fails only if all consumers have gone; they stay until the queue ends.
                    lanes::wait("room in the queue", || sender.send(item)).expect("a consumer listens");
                    lanes::sleep("makes an item", lesson.pause(1.0));
                }
                // The sender is dropped here, and with it the queue ends.
            });
            let consume = |number| {
                scope.spawn({
                    let receiver = receiver.clone();
                    move || consume(number, &receiver)
                })
            };
            let consumers: Vec<_> = (1..=args.consumers).map(consume).collect();
            // A consumer panics only if the program is wrong.
            consumers.into_iter().flat_map(|thread| lanes::join(thread)).collect()
        });

        let mut all = made.clone();
        all.sort_unstable();
        taken.sort_unstable();
        ensure!(taken == all, "made {all:?}, taken {taken:?}");
        Ok(())
    })
}

fn consume(number: u16, queue: &Receiver<u32>) -> Vec<u32> {
    let _lane = lanes::lane(format_args!("consumer {number}"));
    let mut taken = Vec::new();
    while let Ok(item) = lanes::wait("an item", || queue.recv()) {
        println!("consumer {number}: {item} taken");
        taken.push(item);
    }
    taken
}

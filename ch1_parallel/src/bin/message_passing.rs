//! Worker 0 sends a dictionary to worker 1. The inboxes of the other workers stay empty, and yet every worker ends.
//!
//! Workers that pass messages share no data. Each worker has an inbox, and a message belongs to the worker that
//! receives it. An inbox is closed when its last sender has been dropped, so a worker that only receives ends by
//! itself. Chapters 3 and 4 do the same with pipes between processes and with MPI between machines.
//!
//! Run:       cargo run --bin message_passing -- --workers 6 --timeline
//! Observe:   one worker receives the message. The other workers receive nothing and end: an inbox is closed as soon as
//!            its last sender has been dropped.
//! Python:    the original misspells a keyword, which raises an exception in the sender. The receiver then blocks for
//!            ever, because nothing closes its inbox.
//! Exercise:  let worker 1 send the dictionary on to worker 2, worker 2 to worker 3, and so on to the last worker.
//!            Change `expected` so that each worker but the first receives it. Which sender must each worker own, and
//!            when does the worker drop it?

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Number of workers, each with an inbox; a single worker sends to itself
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

type Message = BTreeMap<&'static str, u32>;

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let workers = usize::from(args.workers);
        let received = thread::scope(|scope| {
            let (senders, inboxes): (Vec<_>, Vec<_>) = (0..workers).map(|_| channel()).unzip();
            let mut threads = Vec::new();
            for (worker, inbox) in inboxes.into_iter().enumerate() {
                // Only worker 0 sends, so only worker 0 gets a sender.
                let sender = (worker == 0).then(|| senders[1 % workers].clone());
                threads.push(scope.spawn(move || work(worker, sender, &inbox)));
            }
            // As long as these senders exist, every inbox stays open.
            drop(senders);
            lanes::join_all(threads)
        });
        for (worker, messages) in received.iter().enumerate() {
            ensure!(*messages == expected(worker, workers), "worker {worker} received {messages:?}");
        }
        Ok(())
    })
}

fn dictionary() -> Message {
    Message::from([("number", 10), ("square", 100), ("cube", 1000)])
}

/// The messages that a worker must have received at the end.
fn expected(worker: usize, workers: usize) -> Vec<Message> {
    if worker == 1 % workers { vec![dictionary()] } else { Vec::new() }
}

/// Sends the dictionary if the worker has a sender, then receives until the inbox is closed.
fn work(worker: usize, sender: Option<Sender<Message>>, inbox: &Receiver<Message>) -> Vec<Message> {
    let _lane = lanes::lane(format_args!("worker {worker}"));
    // The sender is dropped at the end of this block.
    if let Some(sender) = sender {
        println!("worker {worker} sends {:?}", dictionary());
        sender.send(dictionary()).expect("a receiver keeps its inbox until it is closed");
    }
    let mut messages = Vec::new();
    while let Ok(message) = lanes::wait("inbox", || inbox.recv()) {
        println!("worker {worker} received {message:?}");
        messages.push(message);
    }
    println!("worker {worker} ends: its inbox is closed, messages received: {}", messages.len());
    messages
}

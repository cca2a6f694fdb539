//! Worker 0 sends a dictionary to worker 1; the others wait for messages that never come, and end all the same.
//!
//! Workers that pass messages share nothing: each has an inbox, and what is sent belongs to the receiver from then on. An
//! inbox ends when nobody is left who could send to it, so a worker that only listens ends by itself. Chapters 3 and 4 do the
//! same with pipes between processes and with MPI between machines.
//!
//! Run:       cargo run --bin message_passing -- --workers 6 --timeline
//! Observe:   one worker gets the message; the idle ones end as soon as the last sender has gone.
//! Python:    a misspelt keyword raises in the sender, and the receiver waits for ever: nobody closes its inbox.
//! Exercise:  let worker 1 pass the dictionary on to worker 2, and so on. What must each worker hold, and what must it drop?

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Workers, each with an inbox; a single worker writes to itself
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
}

type Message = BTreeMap<&'static str, u32>;

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson| {
        let workers = usize::from(args.workers);
        let to = 1 % workers;
        let message = || Message::from([("number", 10), ("square", 100), ("cube", 1000)]);

        let received: Vec<_> = thread::scope(|scope| {
            let (senders, inboxes): (Vec<_>, Vec<_>) = (0..workers).map(|_| channel()).unzip();
            let mut team = Vec::new();
            for (worker, inbox) in inboxes.into_iter().enumerate() {
                // Only worker 0 has something to send, so only it gets an address.
                let mail = (worker == 0).then(|| (senders[to].clone(), message()));
                team.push(scope.spawn(move || work(worker, mail, &inbox)));
            }
            // These copies would keep every inbox open.
            drop(senders);
            // A worker panics only if the program is wrong.
            lanes::join_all(team)
        });

        for (worker, messages) in received.iter().enumerate() {
            let right = if worker == to { vec![message()] } else { Vec::new() };
            ensure!(*messages == right, "worker {worker} received {messages:?}");
        }
        Ok(())
    })
}

/// Sends what there is to send, then reads the inbox to its end.
fn work(worker: usize, mail: Option<(Sender<Message>, Message)>, inbox: &Receiver<Message>) -> Vec<Message> {
    let _lane = lanes::lane(format_args!("worker {worker}"));
    if let Some((address, message)) = mail {
        println!("worker {worker} sends {message:?}");
        // It fails only if the receiver has gone; ours stays until its inbox ends.
        address.send(message).expect("the receiver listens");
    }
    let mut messages = Vec::new();
    while let Ok(message) = lanes::wait("inbox", || inbox.recv()) {
        println!("worker {worker} received {message:?}");
        messages.push(message);
    }
    messages
}

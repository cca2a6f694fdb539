//! Two threads send to each other before they receive. Their channels have no room, so each waits until the other receives.
//!
//! A channel without room passes a message from hand to hand: `send` returns when the receiver has taken it. If both
//! sides send first, neither comes to its `recv`. The repair is an order: one side sends first, and the other side receives
//! first. Room for one message would end this program too, but only hides the mistake: if each side first sends one message
//! more than there is room, both hang again.
//!
//! Run:       cargo run --bin face_to_face
//!            cargo run --bin face_to_face -- --repaired
//! Observe:   the report names both channels, the line of `send` (the same line for both threads), and for each channel the
//!            thread that owns the receiver.
//! Exercise:  give both channels room for one message (`lanes::channel(..., 1, bounded)`) and let each thread send two
//!            messages before it receives two. In which of its sends does each thread wait now, and why?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use crossbeam::channel::{Receiver, Sender, bounded};

#[derive(clap::Parser)]
struct Args {
    /// One thread sends first, and the other one receives first
    #[arg(long)]
    repaired: bool,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let (to_dewey, from_huey) = lanes::channel("letters to Dewey", 0, bounded);
        let (to_huey, from_dewey) = lanes::channel("letters to Huey", 0, bounded);
        let received = thread::scope(|scope| {
            let huey = scope.spawn(move || {
                let _lane = lanes::lane("Huey");
                exchange(&to_dewey, &from_dewey, "from Huey", true)
            });
            let dewey = scope.spawn(move || {
                let _lane = lanes::lane("Dewey");
                // The hazard: Dewey sends first, as Huey does. The repair: he receives first.
                exchange(&to_huey, &from_huey, "from Dewey", !args.repaired)
            });
            lanes::join_all([huey, dewey])
        });
        println!("Huey has a letter {}, and Dewey has one {}", received[0], received[1]);
        ensure!(received == ["from Dewey", "from Huey"], "the letters are {received:?}");
        Ok(())
    })
}

type Letter = &'static str;

/// Sends a letter and receives one.
pub fn exchange(
    to: &lanes::End<Sender<Letter>>,
    from: &lanes::End<Receiver<Letter>>,
    letter: Letter,
    sends_first: bool,
) -> Letter {
    lanes::own(from);
    let send = || lanes::send(to, |to| to.send(letter)).expect("the other thread receives");
    let receive = || lanes::receive(from, |from| from.recv()).expect("the other thread sends");
    if sends_first {
        send();
        receive()
    } else {
        let received = receive();
        send();
        received
    }
}

//! A thread sees the flag that says that a message is there, and loads the old message: the memory order is too weak.
//!
//! A memory order says what else a thread sees when it sees a stored value. `Relaxed` promises nothing about other numbers:
//! the compiler and the processor may exchange the two stores, or the two loads. An x86 processor exchanges neither, so a
//! test on x86 hardly ever fails; an ARM processor may exchange both. The model checker loom tries every value that an order
//! allows. The repair: a thread that loads the flag with `Acquire` sees all that the other thread stored before its store
//! with `Release`. (`model/orders.rs` of the crate `course` writes down the steps of loom's threads for the report.)
//!
//! Run:       cargo run --bin too_weak_ordering
//!            cargo run --bin too_weak_ordering -- --repaired
//! Observe:   the report lists the steps of an execution that fails. Its last line says how often real threads have failed
//!            on this machine. With the repair fewer executions are possible, and none of them fails.
//! Exercise:  repair only the store: in `orders`, write `(Release, Relaxed)` for `(Relaxed, Relaxed)`. Then repair only the
//!            load. Does one half help? Then exchange the two stores in `send` and run the program with `--repaired`. Do
//!            real threads fail now? Is a memory order to blame?

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, Ordering::*};
use std::{env::consts::ARCH, iter, thread};

use anyhow::ensure;
use course::lesson::Shown;
use course::model::orders::{Atomic, Checked, Explored, Wanted, explore, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// The flag is stored with `Release` and loaded with `Acquire`
    #[arg(long)]
    repaired: bool,
}

const ROUNDS: usize = 100_000;
const MESSAGE: u64 = 42;

/// An atomic message, so that a wrong order gives a wrong number. Without atomics it is a data race, which Rust refuses.
pub struct Mailbox<A> {
    message: A,
    flag: Line<A>,
}

/// The flag has a cache line of its own: on some processors it may then reach Dewey before the message does.
#[repr(align(128))]
struct Line<A>(A);

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let repaired = args.repaired;
        let all = || explore(10_000, Wanted::Failing, move || exchange(repaired));
        let Explored { executions, failing, found, is_complete } = lanes::work("all executions", all);
        let old = race(repaired);
        let is_strict = ARCH == "x86_64" && old == 0;
        let why = if is_strict { ": this processor keeps the order of stores and of loads" } else { "" };
        let real = format!("{old} of {ROUNDS} rounds of real threads failed on this machine ({ARCH}){why}");
        if let Some(first) = found {
            let (what, steps, orders) = (&first.failure, first.told(), orders(repaired));
            let all = format!("{failing} of {executions} executions fail with the orders {orders:?} of the flag");
            return Err(Shown(format!("{what}:\n{steps}{all}\n{real}")).into());
        }
        println!("{executions} executions, and none of them fails\n{real}");
        ensure!(is_complete && old == 0, "a message was old");
        Ok(())
    })
}

/// The orders in which the flag is stored and loaded.
fn orders(repaired: bool) -> (Ordering, Ordering) {
    // The hazard: the flag orders nothing. The repair: what is stored before the flag is seen after it.
    if repaired { (Release, Acquire) } else { (Relaxed, Relaxed) }
}

impl<A: Atomic> Mailbox<A> {
    fn new() -> Self {
        Self { message: A::new("message", 0), flag: Line(A::new("flag", 0)) }
    }

    fn send(&self, repaired: bool) {
        self.message.store(MESSAGE, Relaxed);
        self.flag.0.store(1, orders(repaired).0);
    }

    /// The message, if the flag says that it is there.
    fn receive(&self, repaired: bool) -> Option<u64> {
        let is_there = self.flag.0.load(orders(repaired).1) == 1;
        is_there.then(|| self.message.load(Relaxed))
    }
}

/// Huey sends, and Dewey looks once.
pub fn exchange(repaired: bool) -> Result<(), String> {
    let mailbox = Arc::new(Mailbox::<Checked>::new());
    let of_dewey = Arc::clone(&mailbox);
    let huey = spawn("Huey", move || mailbox.send(repaired));
    let dewey = spawn("Dewey", move || of_dewey.receive(repaired));
    huey();
    match dewey().flatten() {
        Some(old) if old != MESSAGE => {
            Err(format!("too weak ordering: Dewey saw the flag, and the message was {old} instead of {MESSAGE}"))
        }
        _ => Ok(()),
    }
}

/// How many messages were old when threads of the system ran the same functions.
fn race(repaired: bool) -> usize {
    let mailboxes: Vec<Mailbox<AtomicU64>> = (0..ROUNDS).map(|_| Mailbox::new()).collect();
    let receive = |mailbox: &Mailbox<_>| iter::repeat_with(|| mailbox.receive(repaired)).flatten().next();
    thread::scope(|scope| {
        // Dewey waits for the first flag, and then follows Huey closely.
        let dewey = scope.spawn(|| {
            let _lane = lanes::lane("Dewey");
            mailboxes.iter().filter(|mailbox| receive(mailbox) != Some(MESSAGE)).count()
        });
        let huey = scope.spawn(|| {
            let _lane = lanes::lane("Huey");
            mailboxes.iter().for_each(|mailbox| mailbox.send(repaired));
        });
        lanes::join(huey);
        lanes::join(dewey)
    })
}

//! A future returns `Pending` and does not keep the waker of its task. Nothing can wake the task, and it hangs.
//!
//! An executor polls a task again only after its waker was called. So a future that returns `Pending` must first give a
//! copy of the waker to the part of the program that will call it. It does so under the lock under which it has looked at
//! the data: then the data cannot change in between. Each poll must store the waker that it got, because another task may
//! poll the future next time.
//!
//! Run:       cargo run --bin lost_waker -- --timeline
//!            cargo run --bin lost_waker -- --repaired --timeline
//! Observe:   the report says that no copy of the waker is left: this proves that the task hangs. (The letter is in the
//!            mailbox then, but the report does not show this.) The repaired program reads the letter.
//! Exercise:  in the repair, replace the line that stores the waker by `context.waker().wake_by_ref();`, and count the
//!            calls of `poll`. Let the writer await `tokio::task::yield_now()` 1000 times before it locks the mailbox. How
//!            many calls are there for each `yield_now`? (The event loop polls up to 61 tasks before it wakes a task that
//!            has yielded.) What does the processor do while the reader waits?

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::Mutex;
use tokio::{runtime::Builder, spawn};

#[derive(clap::Parser)]
struct Args {
    /// The future keeps its waker
    #[arg(long)]
    repaired: bool,
}

/// A mailbox for one letter.
#[derive(Default)]
pub struct Mailbox {
    letter: Option<&'static str>,
    reader: Option<Waker>,
}

/// The next letter of a mailbox.
struct Letter {
    mailbox: Arc<Mutex<Mailbox>>,
    repaired: bool,
}

impl Future for Letter {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<&'static str> {
        let mut mailbox = self.mailbox.lock();
        if let Some(letter) = mailbox.letter.take() {
            return Poll::Ready(letter);
        }
        // The hazard: the waker is not kept. The repair: the mailbox keeps it for the writer.
        if self.repaired {
            mailbox.reader = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let mailbox = Arc::<Mutex<Mailbox>>::default();
        let letter = Builder::new_current_thread().build()?.block_on(async {
            let reader = spawn(lanes::task("reader", read(Arc::clone(&mailbox), args.repaired)));
            // The event loop polls tasks in the order in which they were spawned: the reader waits when the letter comes.
            let writer = spawn(lanes::task("writer", write(mailbox)));
            lanes::join_for("writer", writer).await?;
            lanes::join_for("reader", reader).await
        })?;
        println!("the letter says {letter:?}");
        ensure!(letter == "hello", "the letter says {letter:?}");
        Ok(())
    })
}

/// Waits for the letter.
pub async fn read(mailbox: Arc<Mutex<Mailbox>>, repaired: bool) -> &'static str {
    lanes::wait_for("letter", Letter { mailbox, repaired }).await
}

/// Puts a letter into the mailbox, and wakes the reader.
pub async fn write(mailbox: Arc<Mutex<Mailbox>>) {
    let mut mailbox = mailbox.lock();
    mailbox.letter = Some("hello");
    if let Some(reader) = mailbox.reader.take() {
        reader.wake();
    }
}

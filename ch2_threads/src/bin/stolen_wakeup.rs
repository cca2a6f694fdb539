//! Two threads wait for an item. One item comes, both are woken, and the second one finds that the first has taken it.
//!
//! A wake-up says that something has changed, not what is true now: between the wake-up and the moment at which the thread
//! has the lock again, another thread may have taken the item. (With std's condition variable a thread may also wake up
//! without a notification; with parking_lot's it may not.) The repair is the word `while` in place of `if`: the thread
//! looks at the data again after each wake-up.
//!
//! Run:       cargo run --bin stolen_wakeup
//!            cargo run --bin stolen_wakeup -- --repaired
//! Observe:   the report lists the steps in their order: both threads wait, one item is put in, both are woken, one takes
//!            the item, and the other one finds none. The repaired program puts in a second item, and each thread takes
//!            one.
//! Exercise:  in `put`, write `self.filled.notify_one()`. Does a thread still find no item? Why does the program hang now
//!            without `--repaired`? Why is `notify_one` no repair if threads of two kinds wait for one condition variable
//!            (see the exercise of `condition`)?

use std::process::ExitCode;
use std::thread;

use anyhow::ensure;
use course::lesson::Shown;
use course::{lanes, lesson};
use parking_lot::{Condvar, Mutex};

#[derive(clap::Parser)]
struct Args {
    /// The threads look at the data after each wake-up
    #[arg(long)]
    repaired: bool,
}

/// What the lock guards: the items, the number of threads that wait for the first time, and what has happened.
#[derive(Default)]
pub struct Inside {
    items: Vec<u32>,
    waiting: usize,
    steps: Vec<String>,
}

/// A shelf for items.
#[derive(Default)]
pub struct Shelf {
    inside: Mutex<Inside>,
    filled: Condvar,
    waits: Condvar,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let shelf = Shelf::default();
        let taken = thread::scope(|scope| {
            let threads = ["Huey", "Dewey"].map(|name| {
                let (shelf, repaired) = (&shelf, args.repaired);
                scope.spawn(move || {
                    let _lane = lanes::lane(name);
                    shelf.take(repaired)
                })
            });
            shelf.put(1, 2);
            if args.repaired {
                shelf.put(2, 0);
            }
            lanes::join_all(threads)
        });
        if taken.contains(&None) {
            let steps = shelf.inside.into_inner().steps.join("\n  ");
            return Err(
                Shown(format!("stolen wake-up: a thread was woken for an item and found none:\n  {steps}")).into()
            );
        }
        println!("the items {taken:?} were taken");
        ensure!(taken.contains(&Some(1)) && taken.contains(&Some(2)), "the items {taken:?} were taken");
        Ok(())
    })
}

impl Shelf {
    /// Puts an item in when `waiting` threads have waited, and wakes all threads that wait.
    pub fn put(&self, item: u32, waiting: usize) {
        let mut inside = lanes::lock("shelf", &self.inside, Mutex::lock);
        while inside.waiting < waiting {
            lanes::notified("waiting threads", &mut inside, |guard| self.waits.wait(guard));
        }
        inside.items.push(item);
        inside.steps.push(format!("item {item} was put in, and all threads were woken"));
        self.filled.notify_all();
    }

    /// Waits for an item and takes it.
    pub fn take(&self, repaired: bool) -> Option<u32> {
        let mut inside = lanes::lock("shelf", &self.inside, Mutex::lock);
        let mut woken = 0;
        // The hazard: `woken == 0` makes this `while` an `if`. The repair: the thread looks again after each wake-up.
        while inside.items.is_empty() && (repaired || woken == 0) {
            inside.waiting += 1;
            inside.steps.push("a thread found no item, and waited".into());
            self.waits.notify_all();
            lanes::notified("an item", &mut inside, |guard| self.filled.wait(guard));
            woken += 1;
        }
        let item = inside.items.pop();
        inside.steps.push(match item {
            Some(item) => format!("a thread took item {item}"),
            None => "the other thread was woken, and found no item".into(),
        });
        item
    }
}

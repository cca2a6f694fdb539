//! Two threads want the same seat. Each finds it free, each writes its name, and both believe that they have it.
//!
//! The lock guards each step: no thread sees half a map. But between the check and the act the lock is free, and what the
//! check has found may be false when the thread acts. The repair: one lock from the check to the act, as with the `entry`
//! of a map. For a single number the same repair is called `compare_exchange`.
//!
//! Run:       cargo run --bin check_then_act
//!            cargo run --bin check_then_act -- --repaired
//! Observe:   the report lists the steps: both checks come before both acts, and one name is overwritten. In the repaired
//!            program one thread gets the seat, and `book` returns `false` to the other thread.
//! Exercise:  `book` could lock once, check, and call a function that locks again, while `book` still holds the lock. What
//!            would happen? (See `double_lock`.) A web shop shows on one page that an item is free, and sells it on the
//!            next page. It cannot hold a lock in between. What must the second page do?

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use anyhow::ensure;
use course::lesson::Shown;
use course::{lanes, lesson};
use parking_lot::Mutex;

#[derive(clap::Parser)]
struct Args {
    /// One lock is held from the check to the act
    #[arg(long)]
    repaired: bool,
}

/// The seats that are taken, and by whom.
pub type Seats = Mutex<HashMap<u32, String>>;

const SEAT: u32 = 12;

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let seats = Seats::default();
        // Each thread has checked when one of them acts: the mistake is certain.
        let both_have_checked = Barrier::new(2);
        let checked = || _ = lanes::meet("both have checked", &both_have_checked, 2, Barrier::wait);
        let booked = thread::scope(|scope| {
            let threads = ["Huey", "Dewey"].map(|name| {
                let (seats, checked, repaired) = (&seats, &checked, args.repaired);
                scope.spawn(move || {
                    let _lane = lanes::lane(name);
                    book(seats, name, repaired, checked)
                })
            });
            lanes::join_all(threads)
        });
        let owner = &seats.into_inner()[&SEAT];
        if booked == [true, true] {
            return Err(Shown(format!(
                "check, then act: two threads have booked seat {SEAT}:\n  Huey found it free\n  Dewey found it free\n  \
                 both wrote their names: the seat belongs to the thread that wrote last, and the other name is lost"
            ))
            .into());
        }
        println!("seat {SEAT} belongs to {owner}: `book` returned {booked:?} to Huey and Dewey");
        ensure!(booked.contains(&true), "no thread has booked the seat");
        Ok(())
    })
}

/// Books the seat if it is free. `checked` is called between the check and the act.
pub fn book(seats: &Seats, name: &str, repaired: bool, checked: impl Fn()) -> bool {
    // The repair: the lock is held from the check to the act. The hazard: it is free in between.
    if repaired {
        let mut seats = lanes::lock("seats", seats, Mutex::lock);
        let is_free = !seats.contains_key(&SEAT);
        seats.entry(SEAT).or_insert_with(|| name.to_owned());
        is_free
    } else {
        let is_free = !lanes::lock("seats", seats, Mutex::lock).contains_key(&SEAT);
        checked();
        if is_free {
            lanes::lock("seats", seats, Mutex::lock).insert(SEAT, name.to_owned());
        }
        is_free
    }
}

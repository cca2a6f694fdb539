//! A model checker runs the threads or tasks of a hazard under thousands of schedules, until one of them fails.
//!
//! A schedule is the order in which the threads take their steps: they acquire and release locks, send and receive, load and
//! store. The system chooses one of very many schedules, and a mistake may need a rare one. The checker replaces the locks,
//! the channels and the atomics, and decides before each step which thread takes it. So the same choices give the same
//! run. It first tries bounded schedules, in which a running thread is interrupted at most twice, and then random ones. It
//! searches the hazard's own code. If no schedule of 10,000 of each kind fails, this is a good sign, but no proof. For a
//! memory order that is too weak (`too_weak_ordering`) it tries all executions: schedules with the values of all loads. It
//! searches most hazards of chapters 2 and 5. The README lists the hazards that it does not search, and says why.
//!
//! Run:       cargo run --bin schedules
//!            cargo run --bin schedules -- lock_order
//!            cargo run --bin schedules -- lock_order --repaired
//!            cargo run --bin schedules -- --replay target/schedules/lock_order.json
//! Observe:   the checker says which schedule failed, and draws it: one row for each thread, and one column for each step.
//!            With the repair, all schedules pass. Without a name, it searches all hazards that `--help` lists.
//! Exercise:  take the repair out of a hazard of chapter 2, but leave its flag, and search it with `--repaired`: does it
//!            fail now? Put the repair back, and run this program without a name, with `--seed 1`, `--seed 2` and so on.
//!            Which hazards fail at schedule 1 with every seed, and why? Why does the number vary for the other hazards?

// The model checker searches the programs' own source. In this program the names of the crates with locks, channels and atomics
// stand for the checker's. A program as a module has no use for its `main`, so all of them are named below: without that the
// compiler would call them dead code.
extern crate self as crossbeam;
extern crate self as parking_lot;
extern crate self as portable_atomic;

use std::sync::atomic::Ordering;

use course::model::{AtomicU64, Condvar, Mutex, RwLock, channel};

#[path = "../../../ch2_threads/src/bin/barrier_one_short.rs"]
mod barrier_one_short;
#[path = "cancelled_read.rs"]
mod cancelled_read;
#[path = "../../../ch2_threads/src/bin/check_then_act.rs"]
mod check_then_act;
#[path = "../../../ch2_threads/src/bin/double_lock.rs"]
mod double_lock;
#[path = "../../../ch2_threads/src/bin/endless_receiver.rs"]
mod endless_receiver;
#[path = "../../../ch2_threads/src/bin/face_to_face.rs"]
mod face_to_face;
#[path = "guard_across_await.rs"]
mod guard_across_await;
#[path = "../../../ch2_threads/src/bin/lock_order.rs"]
mod lock_order;
#[path = "../../../ch2_threads/src/bin/lost_update.rs"]
mod lost_update;
#[path = "lost_waker.rs"]
mod lost_waker;
#[path = "../../../ch2_threads/src/bin/lost_wakeup.rs"]
mod lost_wakeup;
#[path = "../../../ch2_threads/src/bin/read_write_read.rs"]
mod read_write_read;
#[path = "../../../ch2_threads/src/bin/stolen_wakeup.rs"]
mod stolen_wakeup;
#[path = "../schedules/stories.rs"]
mod stories;
#[path = "../../../ch2_threads/src/bin/too_weak_ordering.rs"]
mod too_weak_ordering;

const _: [fn() -> ExitCode; 14] = [
    barrier_one_short::main,
    cancelled_read::main,
    check_then_act::main,
    double_lock::main,
    endless_receiver::main,
    face_to_face::main,
    guard_across_await::main,
    lock_order::main,
    lost_update::main,
    lost_wakeup::main,
    lost_waker::main,
    read_write_read::main,
    stolen_wakeup::main,
    too_weak_ordering::main,
];

use std::path::PathBuf;
use std::process::ExitCode;

use ch5_async::schedules::{replay, search_all, search_one};
use course::lesson;
use course::model::keep_panics_quiet;

use stories::Hazard;

#[derive(clap::Parser)]
struct Args {
    /// The hazard to search; each of them if none is given
    hazard: Option<Hazard>,
    /// Searches the hazard with its repair
    #[arg(long, requires = "hazard")]
    repaired: bool,
    /// How many bounded schedules to try, and how many random ones; or the largest number of executions [default: 10000; without a hazard: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    schedules: Option<u64>,
    /// Where to write a schedule that fails [default: target/schedules/HAZARD.json]
    #[arg(long, requires = "hazard")]
    file: Option<PathBuf>,
    /// Runs the schedule of this file once more
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hazard", "schedules"])]
    replay: Option<PathBuf>,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        keep_panics_quiet();
        match (args.replay, args.hazard) {
            (Some(file), _) => replay::<Hazard>(&file),
            (None, Some(hazard)) => {
                let schedules = args.schedules.unwrap_or(10_000);
                search_one(hazard, args.repaired, schedules, lesson.seed(), args.file)
            }
            (None, None) => search_all::<Hazard>(args.schedules.unwrap_or(1000), lesson.seed()),
        }
    })
}

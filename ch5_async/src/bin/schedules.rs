//! A model checker runs the threads of a hazard of chapter 2 under thousands of schedules, until one of them fails.
//!
//! A schedule is the order in which the threads take their steps: they acquire and release locks, send and receive, load and
//! store. The system chooses one of very many schedules, and a mistake may need a rare one. The checker replaces the locks,
//! the channels and the atomics, and decides before each step which thread takes it. So the same choices give the same
//! run. It first tries bounded schedules, in which a running thread is interrupted at most twice, and then random ones. It
//! searches the hazard's own code. If no schedule of 10,000 of each kind fails, this is a good sign, but no proof.
//!
//! Run:       cargo run --bin schedules
//!            cargo run --bin schedules -- lock_order
//!            cargo run --bin schedules -- lock_order --repaired
//!            cargo run --bin schedules -- --replay target/schedules/lock_order.json
//! Observe:   the checker says which schedule failed, and draws it: one row for each thread, and one column for each step.
//!            With the repair, all schedules pass. If no hazard is named, all are searched, and a table shows the results.
//! Exercise:  take the repair out of a hazard of chapter 2, but leave its flag: does the checker find the mistake? Put the
//!            repair back, and run this program without a name, with `--seed 1`, `--seed 2` and so on. Which hazards fail
//!            at schedule 1 with every seed, and why? Why does the number vary for the other hazards?

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
#[path = "../../../ch2_threads/src/bin/check_then_act.rs"]
mod check_then_act;
#[path = "../../../ch2_threads/src/bin/double_lock.rs"]
mod double_lock;
#[path = "../../../ch2_threads/src/bin/endless_receiver.rs"]
mod endless_receiver;
#[path = "../../../ch2_threads/src/bin/face_to_face.rs"]
mod face_to_face;
#[path = "../../../ch2_threads/src/bin/lock_order.rs"]
mod lock_order;
#[path = "../../../ch2_threads/src/bin/lost_update.rs"]
mod lost_update;
#[path = "../../../ch2_threads/src/bin/lost_wakeup.rs"]
mod lost_wakeup;
#[path = "../../../ch2_threads/src/bin/read_write_read.rs"]
mod read_write_read;
#[path = "../../../ch2_threads/src/bin/stolen_wakeup.rs"]
mod stolen_wakeup;
#[path = "../schedules/stories.rs"]
mod stories;

const _: [fn() -> ExitCode; 10] = [
    barrier_one_short::main,
    check_then_act::main,
    double_lock::main,
    endless_receiver::main,
    face_to_face::main,
    lock_order::main,
    lost_update::main,
    lost_wakeup::main,
    read_write_read::main,
    stolen_wakeup::main,
];

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, anyhow, bail};
use ch5_async::schedules::{FailingSchedule, chart};
use clap::ValueEnum;
use course::lesson::{Output, Shown};
use course::model::{Found, Order, Outcome, keep_panics_quiet, search};
use course::{lanes, lesson};

use stories::Hazard;

/// In a bounded schedule a thread is interrupted this often.
const INTERRUPTIONS: usize = 2;

/// The width of a chart.
const WIDTH: usize = 100;

#[derive(clap::Parser)]
struct Args {
    /// The hazard to search; all of them if none is given
    hazard: Option<Hazard>,
    /// Searches the hazard with its repair
    #[arg(long, requires = "hazard")]
    repaired: bool,
    /// How many bounded schedules to try, and how many random ones [default: 10000; without a hazard: 1000]
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
            (Some(file), _) => replay(&file),
            (None, Some(hazard)) => {
                let schedules = args.schedules.unwrap_or(10_000);
                search_one(hazard, args.repaired, schedules, lesson.seed(), args.file)
            }
            (None, None) => search_all(args.schedules.unwrap_or(1000), lesson.seed()),
        }
    })
}

/// Searches a hazard, and draws the schedule that fails.
fn search_one(hazard: Hazard, repaired: bool, schedules: u64, seed: u64, file: Option<PathBuf>) -> anyhow::Result<()> {
    let name = hazard.name();
    let path = file.map_or_else(|| default_file(&name), Ok)?;
    let output = Output::check(&path)?;
    match under_schedules(hazard, repaired, schedules, seed) {
        Ok(passed) => {
            println!("{name}{}: {passed} schedules pass, {schedules} bounded and {schedules} random", with(repaired));
            Ok(())
        }
        Err(found) => {
            output.write(
                &FailingSchedule { hazard: name.clone(), repaired, choices: found.choices.clone() }.to_text()?,
            )?;
            println!(
                "{name}{}: schedule {} fails, and is written to {}\n",
                with(repaired),
                found.schedules,
                path.display()
            );
            show(&found)
        }
    }
}

/// Runs the schedule of a file.
fn replay(path: &Path) -> anyhow::Result<()> {
    let file = || path.display().to_string();
    let FailingSchedule { hazard: name, repaired, choices } = FailingSchedule::read(path)?;
    let hazard =
        Hazard::from_str(&name, false).map_err(|_| anyhow!("no hazard is called {name:?}")).with_context(file)?;
    match run(Order::Replay(choices), hazard, repaired) {
        Outcome::Failed(found) => {
            println!("{name}{}: the schedule of {} fails\n", with(repaired), path.display());
            show(&found)
        }
        Outcome::Foreign(why) => bail!("{}: the schedule does not fit {name}: {why}", path.display()),
        Outcome::Passed { .. } => bail!("{}: {name} does not fail under this schedule", path.display()),
    }
}

/// Searches all hazards without and with their repairs.
fn search_all(schedules: u64, seed: u64) -> anyhow::Result<()> {
    println!("{:<20}{:<28}with its repair", "hazard", "without its repair");
    for &hazard in Hazard::value_variants() {
        let [without, with] = [false, true].map(|repaired| under_schedules(hazard, repaired, schedules, seed));
        let say = |result: &Result<u64, Found>| match result {
            Ok(passed) => format!("{passed} schedules pass"),
            Err(found) => format!("schedule {} fails", found.schedules),
        };
        println!("{:<20}{:<28}{}", hazard.name(), say(&without), say(&with));
        if let Err(found) = with {
            bail!("{} fails with its repair: {}", hazard.name(), found.failure);
        }
        if without.is_ok() {
            bail!("{} does not fail without its repair: try more schedules", hazard.name());
        }
    }
    Ok(())
}

/// Tries bounded schedules and then random ones. It returns how many have passed, or the first that fails.
fn under_schedules(hazard: Hazard, repaired: bool, schedules: u64, seed: u64) -> Result<u64, Found> {
    let mut tried = 0;
    for order in [Order::Bounded { schedules, seed, interruptions: INTERRUPTIONS }, Order::Random { schedules, seed }] {
        match run(order, hazard, repaired) {
            Outcome::Failed(found) => return Err(Found { schedules: tried + found.schedules, ..found }),
            Outcome::Passed { schedules } => tried += schedules,
            Outcome::Foreign(why) => unreachable!("a search replays nothing: {why}"),
        }
    }
    Ok(tried)
}

/// The checker's threads share one thread of the system. That thread has no lane: a lane is of one thread.
fn run(order: Order, hazard: Hazard, repaired: bool) -> Outcome {
    lanes::join(thread::spawn(move || search(order, move || hazard.run(repaired))))
}

fn show(found: &Found) -> anyhow::Result<()> {
    println!("{}", chart(found, WIDTH));
    Err(Shown(found.failure.clone()).into())
}

fn with(repaired: bool) -> &'static str {
    if repaired { " with its repair" } else { "" }
}

fn default_file(hazard: &str) -> anyhow::Result<PathBuf> {
    let folder = Path::new("target/schedules");
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    Ok(folder.join(hazard).with_extension("json"))
}

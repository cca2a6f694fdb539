//! The search of a hazard, of all hazards, and of the schedule of a file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use course::lanes;
use course::lesson::{Output, Shown};
use course::model::orders::{Explored, Wanted, explore};
use course::model::{Found, Order, Outcome, search};

use super::{FailingSchedule, chart};

/// In a bounded schedule a thread is interrupted this often.
const INTERRUPTIONS: usize = 2;

/// A replay looks at no more executions than this.
const MOST_EXECUTIONS: u64 = 1_000_000;

/// The width of a chart.
const WIDTH: usize = 100;

/// A hazard that can be searched.
pub trait Hazard: ValueEnum + Copy + Send + Sync + 'static {
    /// Runs its threads, and says what is wrong with the result.
    ///
    /// # Errors
    /// The result is wrong.
    fn run(self, repaired: bool) -> Result<(), String>;

    /// The checker that finds its mistake.
    fn checker(self) -> Checker;

    /// The name of its program.
    fn name(self) -> String {
        self.to_possible_value().expect("no hazard is skipped").get_name().to_owned()
    }
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checker {
    /// Schedules: the order in which the threads take their steps.
    Schedules,
    /// Executions: a schedule, and the value of each load. Only there an order of memory can be too weak.
    Executions,
}

impl fmt::Display for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Schedules { "schedule" } else { "execution" })
    }
}

/// A search without a failure.
struct Passed {
    count: u64,
    checker: Checker,
    /// There is nothing else to try.
    is_complete: bool,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match (self.checker, self.is_complete) {
            (Checker::Schedules, _) => "",
            (Checker::Executions, true) => "all ",
            (Checker::Executions, false) => "the first ",
        };
        write!(f, "{part}{} {}s pass", self.count, self.checker)
    }
}

/// Searches a hazard, and draws the schedule that fails.
///
/// # Errors
/// A schedule fails, or its file cannot be written.
pub fn search_one(
    hazard: impl Hazard,
    repaired: bool,
    schedules: u64,
    seed: u64,
    file: Option<PathBuf>,
) -> anyhow::Result<()> {
    let (name, checker) = (hazard.name(), hazard.checker());
    let path = file.map_or_else(|| default_file(&name), Ok)?;
    let output = Output::check(&path)?;
    match find(hazard, repaired, schedules, seed) {
        Ok(passed) => {
            let kinds = match checker {
                Checker::Schedules => format!(", {schedules} bounded and {schedules} random"),
                Checker::Executions => String::new(),
            };
            println!("{name}{}: {passed}{kinds}", with(repaired));
            Ok(())
        }
        Err(found) => {
            let schedule = FailingSchedule { hazard: name.clone(), repaired, choices: found.choices.clone() };
            output.write(&schedule.to_text()?)?;
            println!(
                "{name}{}: {checker} {} fails, and is written to {}\n",
                with(repaired),
                found.schedules,
                path.display()
            );
            show(&found)
        }
    }
}

/// Runs the schedule of a file once more.
///
/// # Errors
/// It fails, as is expected, or it is not the schedule of a failure of one of these hazards.
pub fn replay<H: Hazard>(path: &Path) -> anyhow::Result<()> {
    let file = || path.display().to_string();
    let FailingSchedule { hazard: name, repaired, choices } = FailingSchedule::read(path)?;
    let hazard = H::from_str(&name, false).map_err(|_| anyhow!("no hazard is called {name:?}")).with_context(file)?;
    let checker = hazard.checker();
    let outcome = match checker {
        Checker::Schedules => run(Order::Replay(choices), hazard, repaired),
        Checker::Executions => {
            match all_executions(MOST_EXECUTIONS, Wanted::Choices(choices), hazard, repaired).found {
                None => Outcome::Foreign("no execution takes these steps".into()),
                Some(found) if found.failure.is_empty() => Outcome::Passed { schedules: 1 },
                Some(found) => Outcome::Failed(found),
            }
        }
    };
    match outcome {
        Outcome::Failed(found) => {
            println!("{name}{}: the {checker} of {} fails\n", with(repaired), path.display());
            show(&found)
        }
        Outcome::Foreign(why) => bail!("{}: the {checker} does not fit {name}: {why}", path.display()),
        Outcome::Passed { .. } => bail!("{}: {name} does not fail under this {checker}", path.display()),
    }
}

/// Searches all hazards without and with their repairs.
///
/// # Errors
/// A hazard does not fail, or fails with its repair.
pub fn search_all<H: Hazard>(schedules: u64, seed: u64) -> anyhow::Result<()> {
    println!("{:<20}{:<28}with its repair", "hazard", "without its repair");
    for &hazard in H::value_variants() {
        let [without, with] = [false, true].map(|repaired| find(hazard, repaired, schedules, seed));
        let say = |result: &Result<Passed, Found>| match result {
            Ok(passed) => passed.to_string(),
            Err(found) => format!("{} {} fails", hazard.checker(), found.schedules),
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

/// Tries bounded schedules and then random ones, or all executions. It returns the first that fails.
fn find(hazard: impl Hazard, repaired: bool, schedules: u64, seed: u64) -> Result<Passed, Found> {
    if hazard.checker() == Checker::Executions {
        let all = all_executions(schedules, Wanted::Failing, hazard, repaired);
        let passed = Passed { count: all.executions, checker: Checker::Executions, is_complete: all.is_complete };
        return all.found.map_or(Ok(passed), Err);
    }
    let mut tried = 0;
    for order in [Order::Bounded { schedules, seed, interruptions: INTERRUPTIONS }, Order::Random { schedules, seed }] {
        match run(order, hazard, repaired) {
            Outcome::Failed(found) => return Err(Found { schedules: tried + found.schedules, ..found }),
            Outcome::Passed { schedules } => tried += schedules,
            Outcome::Foreign(why) => unreachable!("a search replays nothing: {why}"),
        }
    }
    Ok(Passed { count: tried, checker: Checker::Schedules, is_complete: false })
}

/// The checker's threads share one thread of the system. That thread has no lane: a lane is of one thread.
fn run(order: Order, hazard: impl Hazard, repaired: bool) -> Outcome {
    lanes::join(thread::spawn(move || search(order, move || hazard.run(repaired))))
}

fn all_executions(at_most: u64, wanted: Wanted, hazard: impl Hazard, repaired: bool) -> Explored {
    lanes::join(thread::spawn(move || explore(at_most, wanted, move || hazard.run(repaired))))
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

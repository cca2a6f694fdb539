//! Memory orders: loads that return any value that their order allows, and the search of all executions.
//!
//! In [`search`](super::search) each load returns the value that was stored last. The memory model of Rust allows more: a load
//! with `Relaxed` may return an older value. An *execution* is a schedule together with the value of each load. [`explore`] runs
//! a story in all of its executions.
//!
//! The threads and the numbers are those of [loom]. (It treats the order `SeqCst` of a load or a store as `Acquire` or `Release`.)

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{self, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::run::{State, Step};
use super::search::{Found, Running, text};

/// A number that threads share: std's `AtomicU64`, or one that is [`Checked`].
pub trait Atomic: Send + Sync + 'static {
    /// A number of this name.
    fn new(name: &'static str, value: u64) -> Self;

    /// Loads the number.
    #[track_caller]
    fn load(&self, order: Ordering) -> u64;

    /// Stores a number.
    #[track_caller]
    fn store(&self, value: u64, order: Ordering);
}

impl Atomic for atomic::AtomicU64 {
    fn new(_name: &'static str, value: u64) -> Self {
        atomic::AtomicU64::new(value)
    }

    fn load(&self, order: Ordering) -> u64 {
        atomic::AtomicU64::load(self, order)
    }

    fn store(&self, value: u64, order: Ordering) {
        atomic::AtomicU64::store(self, value, order);
    }
}

/// A number within [`explore`], which notes each load and each store.
#[derive(Debug)]
pub struct Checked {
    name: &'static str,
    number: loom::sync::atomic::AtomicU64,
}

impl Atomic for Checked {
    fn new(name: &'static str, value: u64) -> Self {
        Self { name, number: loom::sync::atomic::AtomicU64::new(value) }
    }

    fn load(&self, order: Ordering) -> u64 {
        let (value, place) = (self.number.load(order), Location::caller());
        with(|execution| {
            let is_old = execution.last.get(self.name).is_some_and(|&last| last != value);
            let what = format!("loads {value} from the {}{}", self.name, if is_old { ": an old value" } else { "" });
            execution.note(what, Some(value), place);
        });
        value
    }

    fn store(&self, value: u64, order: Ordering) {
        self.number.store(value, order);
        let place = Location::caller();
        with(|execution| {
            execution.last.insert(self.name, value);
            execution.note(format!("stores {value} in the {}", self.name), None, place);
        });
    }
}

/// What the threads have done in the current execution.
#[derive(Debug, Default)]
struct Execution {
    threads: Vec<String>,
    steps: Vec<Step>,
    choices: Vec<String>,
    /// The value that was stored last in each number.
    last: HashMap<&'static str, u64>,
    panic: Option<String>,
}

thread_local! {
    // The threads of loom share one thread of the system.
    static EXECUTION: RefCell<Execution> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut Execution) -> T) -> T {
    EXECUTION.with(|execution| act(&mut execution.borrow_mut()))
}

/// The name of the current thread.
fn me() -> String {
    loom::thread::current().name().unwrap_or("main").to_owned()
}

impl Execution {
    fn note(&mut self, what: String, loaded: Option<u64>, place: &'static Location<'static>) {
        let name = me();
        let thread = self.threads.iter().position(|it| *it == name).unwrap_or_else(|| {
            self.threads.push(name.clone());
            self.threads.len() - 1
        });
        self.choices.push(loaded.map_or(name.clone(), |value| format!("{name}: {value}")));
        self.steps.push(Step { thread, what, is_stuck: false, place: Some(place), states: Vec::new() });
    }

    /// A thread has its first step and its last one: what it does in between is known.
    fn note_states(&mut self) {
        let taken_by: Vec<_> = self.steps.iter().map(|step| step.thread).collect();
        for (number, step) in self.steps.iter_mut().enumerate() {
            let (before, after) = taken_by.split_at(number + 1);
            let state = |thread| match (before.contains(&thread), after.contains(&thread)) {
                (_, false) => State::Ended,
                (true, true) => State::Ready,
                (false, true) => State::New,
            };
            step.states = (0..self.threads.len()).map(state).collect();
        }
    }

    fn found(mut self, executions: u64, failure: String) -> Found {
        self.note_states();
        Found { schedules: executions, choices: self.choices, threads: self.threads, steps: self.steps, failure }
    }
}

/// Which execution to return.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The first that fails.
    Failing,
    /// The one with these [`Found::choices`]: the thread of each step, and the values of the loads.
    Choices(Vec<String>),
}

/// What [`explore`] has found.
#[derive(Debug, Default)]
pub struct Explored {
    /// How many executions were tried.
    pub executions: u64,
    /// Whether there is no other execution.
    pub is_complete: bool,
    /// How many have failed.
    pub failing: u64,
    /// The execution that was wanted. Its failure is empty if it did not fail.
    pub found: Option<Found>,
}

/// Runs `story` in all its executions, or in the first `at_most`. An execution fails if the story returns an error, or if one of its
/// [threads](spawn) panics.
pub fn explore(
    at_most: u64,
    wanted: Wanted,
    story: impl Fn() -> Result<(), String> + Send + Sync + 'static,
) -> Explored {
    let running = Running::begin();
    let explored = Arc::new(Mutex::new(Explored { is_complete: true, ..Explored::default() }));
    let noted = Arc::clone(&explored);
    let mut checker = loom::model::Builder::new();
    // Not what the environment says. One execution more than wanted shows whether there are others.
    (checker.max_permutations, checker.checkpoint_interval) = (usize::try_from(at_most.saturating_add(2)).ok(), 1);
    (checker.checkpoint_file, checker.max_duration, checker.preemption_bound) = (None, None, None);
    (checker.location, checker.log) = (false, false);
    checker.check(move || {
        with(|execution| *execution = Execution::default());
        let failure = story().err();
        let mut execution = with(std::mem::take);
        let failure = execution.panic.take().or(failure);
        let mut explored = noted.lock().unwrap_or_else(PoisonError::into_inner);
        if explored.executions == at_most {
            explored.is_complete = false;
            return;
        }
        explored.executions += 1;
        explored.failing += u64::from(failure.is_some());
        let is_wanted = match &wanted {
            Wanted::Failing => failure.is_some(),
            Wanted::Choices(choices) => *choices == execution.choices,
        };
        if is_wanted && explored.found.is_none() {
            explored.found = Some(execution.found(explored.executions, failure.unwrap_or_default()));
        }
    });
    drop(running);
    let mut explored = explored.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *explored)
}

/// Spawns a thread, and returns the function that joins it: it returns `None` if the thread has panicked.
pub fn spawn<T, F>(name: &str, body: F) -> impl FnOnce() -> Option<T> + use<T, F>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let caught = move || {
        let noted = |panic: &Box<dyn Any + Send>| {
            let told = format!("{} panics: {}", me(), text(&**panic));
            with(|execution| _ = execution.panic.get_or_insert(told));
        };
        catch_unwind(AssertUnwindSafe(body)).inspect_err(noted).ok()
    };
    let thread = loom::thread::Builder::new().name(name.into()).spawn(caught).expect("a coroutine");
    || thread.join().ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

    use super::*;

    /// Two threads store 1 in their own number and then load the other number.
    fn store_and_load(order: [Ordering; 2]) -> impl Fn() -> Vec<u64> {
        move || {
            let numbers = Arc::new([Checked::new("first", 0), Checked::new("second", 0)]);
            let bodies = [("a", 0, 1), ("b", 1, 0)].map(|(name, mine, other)| {
                let numbers = Arc::clone(&numbers);
                (name, move || {
                    numbers[mine].store(1, order[0]);
                    numbers[other].load(order[1])
                })
            });
            let joins = bodies.map(|(name, body)| spawn(name, body));
            joins.into_iter().filter_map(|join| join()).collect()
        }
    }

    #[test]
    fn a_load_returns_each_value_that_its_order_allows() {
        for order in [[Relaxed, Relaxed], [Release, Acquire]] {
            let seen = Arc::new(Mutex::new(BTreeSet::new()));
            let (noted, story) = (Arc::clone(&seen), store_and_load(order));
            let explored = explore(1000, Wanted::Failing, move || {
                noted.lock().unwrap().insert(story());
                Ok(())
            });
            assert!(explored.is_complete && explored.failing == 0, "{explored:?}");
            let seen = seen.lock().unwrap();
            let all = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|it| it.to_vec());
            assert_eq!(*seen, all.into(), "{order:?}");
        }
    }

    fn fails_with_0_0() -> Result<(), String> {
        let loaded = store_and_load([Relaxed, Relaxed])();
        if loaded == [0, 0] { Err("both have loaded 0".into()) } else { Ok(()) }
    }

    #[test]
    fn the_first_execution_that_fails_is_found_again_by_its_choices() {
        let first = explore(1000, Wanted::Failing, fails_with_0_0);
        let found = first.found.expect("one fails");
        assert_eq!(found.failure, "both have loaded 0");
        assert!((1..=first.executions).contains(&found.schedules) && first.failing < first.executions);
        let again = explore(1000, Wanted::Choices(found.choices.clone()), fails_with_0_0).found.expect("it is there");
        assert_eq!(format!("{found:?}"), format!("{again:?}"));
        let foreign = explore(1000, Wanted::Choices(vec!["a".into(), "c".into()]), fails_with_0_0);
        assert!(foreign.found.is_none() && foreign.is_complete);
    }

    #[test]
    fn a_limit_is_kept_and_said() {
        let all = explore(1000, Wanted::Failing, || fails_with_0_0().or(Ok(())));
        assert!(all.is_complete && all.executions > 2, "{all:?}");
        for (at_most, is_complete) in [(1, false), (all.executions - 1, false), (all.executions, true)] {
            let some = explore(at_most, Wanted::Failing, || fails_with_0_0().or(Ok(())));
            assert_eq!((some.executions, some.is_complete), (at_most, is_complete));
        }
    }

    #[test]
    fn the_steps_say_which_values_are_old() {
        let found = explore(1000, Wanted::Failing, fails_with_0_0).found.expect("one fails");
        let steps: Vec<_> = found.steps.iter().map(|step| step.what.as_str()).collect();
        assert!(steps.contains(&"stores 1 in the first"), "{steps:?}");
        assert!(steps.iter().any(|step| step.ends_with(": an old value")), "{steps:?}");
        let lines: BTreeSet<_> = found.steps.iter().map(Step::at).collect();
        assert_eq!(lines.len(), 2, "a line that stores, and a line that loads: {found:?}");
        let last = found.steps.last().expect("steps");
        assert_eq!(last.states, [State::Ended; 2]);
    }

    #[test]
    fn a_panic_of_a_thread_is_a_failure() {
        super::super::keep_panics_quiet();
        let explored = explore(1000, Wanted::Failing, || {
            spawn("a", || assert_eq!(Checked::new("number", 1).load(SeqCst), 2, "not this"))();
            Ok(())
        });
        let failure = explored.found.expect("it fails").failure;
        assert!(failure.starts_with("a panics: ") && failure.contains("not this"), "{failure}");
    }
}

//! The search: the same story under one schedule after another, until one of them fails.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, Runner};

use super::run::{self, Run, Step, give_way};

/// How the checker chooses the next thread.
#[derive(Clone, Debug)]
pub enum Order {
    /// Each thread that can continue is chosen with the same probability.
    Random {
        /// How many schedules to try.
        schedules: u64,
        /// Seed of the choices.
        seed: u64,
    },
    /// The threads have priorities, in a random order, and the first thread that can continue is chosen. Only this number of times
    /// in a schedule, at random steps, the running thread becomes the last. A mistake that needs few switches of threads is found
    /// soon, however long the program is (Burckhardt and others, *A randomized scheduler with probabilistic guarantees of finding
    /// bugs*, 2010).
    Bounded {
        /// How many schedules to try.
        schedules: u64,
        /// Seed of the choices.
        seed: u64,
        /// How often a thread that could continue must wait, in each schedule.
        interruptions: usize,
    },
    /// One schedule: the names of the threads in the order in which they are chosen.
    Replay(Vec<String>),
}

/// How a search has ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// No schedule has failed.
    Passed {
        /// How many there were.
        schedules: u64,
    },
    /// A schedule has failed.
    Failed(Found),
    /// The schedule to replay does not belong to this story: why.
    Foreign(String),
}

/// A schedule that fails.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many schedules the search has tried, with this one.
    pub schedules: u64,
    /// The names of the threads in the order in which the checker has chosen them: what [`Order::Replay`] needs.
    pub choices: Vec<String>,
    /// The names of the threads.
    pub threads: Vec<String>,
    /// What the threads did.
    pub steps: Vec<Step>,
    /// What went wrong.
    pub failure: String,
}

impl Found {
    /// A line for each step: what the thread did, and where.
    #[must_use]
    pub fn told(&self) -> String {
        let told = |step: &Step| {
            let at = step.place.map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
            format!("  {} {}{at}\n", self.threads[step.thread], step.what)
        };
        self.steps.iter().map(told).collect()
    }
}

/// What chance has decided about a schedule of [`Order::Bounded`].
#[derive(Debug, Default)]
struct Priorities {
    /// The priority of each thread: the thread with the highest one runs.
    of: Vec<u64>,
    /// The points at which the running thread is interrupted.
    interrupted_at: HashSet<u64>,
    /// The priority of the next thread that is interrupted, lower than all others.
    next_lowest: u64,
    /// The points so far at which more than one thread could be chosen.
    points: u64,
    /// The largest number of such points in a schedule.
    most_points: u64,
}

impl Priorities {
    /// Higher than the priority of any thread that was interrupted.
    const FIRST: u64 = 1 << 32;

    fn begin(&mut self, interruptions: usize, rng: &mut StdRng) {
        self.most_points = self.most_points.max(self.points);
        (self.points, self.next_lowest) = (0, Self::FIRST);
        self.of.clear();
        self.interrupted_at = (0..interruptions).map(|_| rng.random_range(0..self.most_points.max(1))).collect();
    }

    fn interrupt(&mut self, thread: usize) {
        self.next_lowest -= 1;
        if let Some(priority) = self.of.get_mut(thread) {
            *priority = self.next_lowest;
        }
    }

    fn choose(&mut self, enabled: &[usize], current: Option<usize>, rng: &mut StdRng) -> usize {
        while self.of.len() <= enabled.iter().copied().max().unwrap_or(0) {
            self.of.push(rng.random_range(Self::FIRST..u64::MAX));
        }
        if enabled.len() > 1 {
            if let Some(current) = current
                && self.interrupted_at.contains(&self.points)
            {
                self.interrupt(current);
            }
            self.points += 1;
        }
        *enabled.iter().max_by_key(|&&thread| self.of[thread]).expect("a thread can be chosen")
    }
}

/// Shuttle asks it which thread continues.
#[derive(Debug)]
struct Chooser {
    order: Order,
    begun: u64,
    rng: StdRng,
    priorities: Priorities,
}

impl Chooser {
    fn new(order: Order) -> Self {
        Self { order, begun: 0, rng: StdRng::seed_from_u64(0), priorities: Priorities::default() }
    }

    fn choose(
        &mut self,
        run: &Run,
        enabled: &[usize],
        current: Option<usize>,
        gives_way: bool,
    ) -> Result<usize, String> {
        match &self.order {
            Order::Random { .. } => Ok(enabled[self.rng.random_range(0..enabled.len())]),
            Order::Bounded { .. } => {
                // Without this, a thread that waits in a loop for another one would run for ever.
                if let (true, Some(current)) = (gives_way, current) {
                    self.priorities.interrupt(current);
                }
                Ok(self.priorities.choose(enabled, current, &mut self.rng))
            }
            Order::Replay(choices) => {
                let point = run.choices.len();
                let name = choices.get(point).ok_or("it ends before the program does")?;
                let is_it = |&thread: &usize| run.threads[thread].name == *name;
                let chosen = enabled.iter().copied().find(is_it);
                chosen.ok_or_else(|| format!("at choice {}, {name:?} is no thread that can continue", point + 1))
            }
        }
    }
}

/// The begin of the failure of a replay that finds no thread to continue.
const FOREIGN: &str = "\0foreign: ";

impl Scheduler for Chooser {
    fn new_execution(&mut self) -> Option<Schedule> {
        let (schedules, seed) = match self.order {
            Order::Random { schedules, seed } | Order::Bounded { schedules, seed, .. } => (schedules, seed),
            Order::Replay(_) => (1, 0),
        };
        // A run that has failed is kept.
        if self.begun == schedules || run::with(|run| run.failure.is_some()) {
            return None;
        }
        // Each schedule has a seed of its own.
        self.rng = StdRng::seed_from_u64(seed ^ self.begun.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if let Order::Bounded { interruptions, .. } = self.order {
            self.priorities.begin(interruptions, &mut self.rng);
        }
        self.begun += 1;
        run::with(|run| *run = Run::default());
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, gives_way: bool) -> Option<TaskId> {
        run::with(|run| {
            for task in runnable {
                let number = usize::from(task.id());
                run.know(number, if number == 0 { "main" } else { "" });
                if number > 0
                    && let Some(name) = task.name()
                {
                    run.know(number, &name);
                }
            }
            run.note_states();
            if run.is_over {
                return None;
            }
            let numbers = runnable.iter().map(|task| usize::from(task.id()));
            let enabled: Vec<_> = numbers.filter(|&thread| run.is_enabled(thread)).collect();
            let chosen = match &enabled[..] {
                [] => Err(run.deadlock()),
                some => {
                    let chosen = self.choose(run, some, current.map(usize::from), gives_way);
                    chosen.map_err(|why| format!("{FOREIGN}{why}"))
                }
            };
            match chosen {
                Ok(thread) => {
                    run.choices.push(thread);
                    Some(TaskId::from(thread))
                }
                Err(why) => {
                    run.fail(why);
                    None
                }
            }
        })
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.random()
    }
}

impl Run {
    /// This schedule fails. The first failure counts, and no thread continues.
    fn fail(&mut self, why: String) {
        self.failure.get_or_insert(why);
        self.is_over = true;
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config
}

/// While this value lives, this thread of the system searches.
pub(super) struct Running;

impl Running {
    pub fn begin() -> Self {
        run::with(|run| *run = Run::default());
        run::set_running(true);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        run::set_running(false);
    }
}

/// Runs `story` under schedules of this order until one fails: its threads are in a deadlock, one of [`threads`] panics, or it
/// returns an error.
///
/// # Panics
/// The story panics.
pub fn search(order: Order, story: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Outcome {
    let running = Running::begin();
    let schedules = Runner::new(Chooser::new(order.clone()), config()).run(move || {
        if let Err(why) = story() {
            run::with(|run| run.fail(why));
        }
    }) as u64;
    drop(running);
    let run = run::with(std::mem::take);
    let name = |&thread: &usize| run.threads[thread].name.clone();
    let choices: Vec<_> = run.choices.iter().map(name).collect();
    match run.failure {
        Some(failure) => match failure.strip_prefix(FOREIGN) {
            Some(why) => Outcome::Foreign(why.into()),
            None => {
                let threads = run.threads.into_iter().map(|thread| thread.name).collect();
                Outcome::Failed(Found { schedules, choices, threads, steps: run.steps, failure })
            }
        },
        None => Outcome::Passed { schedules },
    }
}

/// Runs each body in a thread of this name, joins the threads, and returns their results. A panic in one of them fails the schedule.
pub fn threads<T, N, F>(bodies: impl IntoIterator<Item = (N, F)>) -> Vec<T>
where
    T: Send + 'static,
    N: Into<String>,
    F: FnOnce() -> T + Send + 'static,
{
    let threads: Vec<_> = bodies.into_iter().map(|(name, body)| spawn(name, body)).collect();
    threads.into_iter().map(|join| join()).collect()
}

/// Spawns a thread, and returns the function that joins it.
pub fn spawn<T, N, F>(name: N, body: F) -> impl FnOnce() -> T + use<T, N, F>
where
    T: Send + 'static,
    N: Into<String>,
    F: FnOnce() -> T + Send + 'static,
{
    let caught = move || {
        let result = catch_unwind(AssertUnwindSafe(body));
        run::with(|run| {
            let me = usize::from(shuttle::current::me());
            run.know(me, "");
            match result {
                Ok(value) => {
                    run.end(me);
                    Some(value)
                }
                // The stack of a thread that will never continue is freed in this way.
                Err(unwinding) if run.is_over => resume_unwind(unwinding),
                Err(panic) => {
                    run.fail(format!("{} panics: {}", run.threads[me].name, text(&*panic)));
                    None
                }
            }
        })
    };
    let thread = shuttle::thread::Builder::new().name(name.into()).spawn(caught).expect("a coroutine");
    move || {
        thread.join().ok().flatten().unwrap_or_else(|| {
            // The schedule has failed: no thread is chosen any more.
            give_way();
            unreachable!("a run that is over continues")
        })
    }
}

pub(super) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("without a text")
}

/// Makes a panic during a search quiet: a failure of the search is all that is said about it. Other panics are said as before.
pub fn keep_panics_quiet() {
    let before = Arc::new(panic::take_hook());
    // At its first run shuttle sets a hook that prints. After that it leaves the hook as it is.
    search(Order::Random { schedules: 1, seed: 0 }, || Ok(()));
    panic::set_hook(Box::new(move |panic| {
        if !run::is_running() {
            before(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::model::channel::bounded;
    use crate::model::{AtomicU64, Condvar, Mutex, RwLock, State};

    fn random(schedules: u64) -> Order {
        Order::Random { schedules, seed: 1 }
    }

    fn found(outcome: Outcome) -> Found {
        match outcome {
            Outcome::Failed(found) => found,
            other => panic!("{other:?}"),
        }
    }

    /// Two threads add 1 with a load and a store. It takes one interruption to lose one of the additions.
    fn adds() -> Result<(), String> {
        let counter = Arc::new(AtomicU64::new(0));
        threads(["a", "b"].map(|name| {
            let counter = Arc::clone(&counter);
            (name, move || counter.store(counter.load(SeqCst) + 1, SeqCst))
        }));
        let sum = counter.load(SeqCst);
        if sum == 2 { Ok(()) } else { Err(format!("the sum is {sum}")) }
    }

    #[test]
    fn bounded_schedules_have_no_more_interruptions_than_their_bound() {
        let order = |interruptions| Order::Bounded { schedules: 1000, seed: 1, interruptions };
        assert!(matches!(search(order(0), adds), Outcome::Passed { schedules: 1000 }));
        let found = found(search(order(1), adds));
        assert_eq!(found.failure, "the sum is 1");
        assert!(found.schedules < 100, "{found:?}");
    }

    #[test]
    fn a_replay_takes_the_same_steps() {
        let first = found(search(random(1000), adds));
        let again = found(search(Order::Replay(first.choices.clone()), adds));
        let steps = |found: &Found| found.steps.iter().map(|step| (step.thread, step.what.clone())).collect::<Vec<_>>();
        assert_eq!((steps(&first), &first.failure, 1), (steps(&again), &again.failure, again.schedules));
        let mut short = first.choices;
        short.pop();
        assert!(matches!(search(Order::Replay(short), adds), Outcome::Foreign(_)));
    }

    #[test]
    fn a_panic_of_a_thread_is_a_failure() {
        let story = || {
            threads([("a", || panic!("not this"))]);
            Ok(())
        };
        assert_eq!(found(search(random(10), story)).failure, "a panics: not this");
    }

    #[test]
    fn a_notification_for_one_thread_ends_one_wait_of_either_thread() {
        let woken = Arc::new(StdMutex::new(BTreeSet::new()));
        let noted = Arc::clone(&woken);
        let story = move || {
            let shared = Arc::new((Mutex::new(0), Condvar::new()));
            let waits = ["a", "b"].map(|name| {
                let (shared, noted) = (Arc::clone(&shared), Arc::clone(&noted));
                spawn(name, move || {
                    let mut waiting = shared.0.lock();
                    *waiting += 1;
                    shared.1.wait(&mut waiting);
                    noted.lock().unwrap().insert(name);
                })
            });
            let notifies = spawn("c", move || {
                while *shared.0.lock() < 2 {
                    shuttle::thread::yield_now();
                }
                shared.1.notify_one();
            });
            notifies();
            waits.into_iter().for_each(|join| join());
            Ok(())
        };
        let mut lefts = BTreeSet::new();
        for seed in 0..20 {
            let found = found(search(Order::Random { schedules: 1, seed }, story.clone()));
            let stuck: Vec<_> = found.steps.iter().filter(|step| step.is_stuck).map(|step| step.thread).collect();
            assert_eq!(stuck.len(), 1, "{found:?}");
            lefts.insert(found.threads[stuck[0]].clone());
        }
        assert_eq!(lefts, ["a", "b"].map(str::to_owned).into());
        assert_eq!(*woken.lock().unwrap(), ["a", "b"].into());
    }

    #[test]
    fn a_channel_without_room_passes_messages_on_in_their_order() {
        for capacity in [0, 1, 2] {
            let outcome = search(random(1000), move || {
                let (sender, receiver) = bounded(capacity);
                let sends = spawn("sends", move || (0..3).for_each(|number| sender.send(number).expect("a receiver")));
                let receives = spawn("receives", move || (0..3).map(|_| receiver.recv().expect("a sender")).collect());
                sends();
                let received: Vec<_> = receives();
                if received == [0, 1, 2] { Ok(()) } else { Err(format!("{received:?}")) }
            });
            assert!(matches!(outcome, Outcome::Passed { schedules: 1000 }), "{capacity}: {outcome:?}");
        }
    }

    #[test]
    fn a_channel_ends_when_its_ends_are_dropped() {
        let outcome = search(random(100), || {
            let (sender, receiver) = bounded::<u8>(1);
            drop(sender);
            let (lonely, dropped) = bounded(1);
            drop(dropped);
            let ended = spawn("a", move || receiver.recv().is_err() && lonely.send(1).is_err())();
            if ended { Ok(()) } else { Err("an end was not noticed".into()) }
        });
        assert!(matches!(outcome, Outcome::Passed { .. }), "{outcome:?}");
    }

    #[test]
    fn readers_share_a_lock_and_writers_do_not() {
        let most = Arc::new(AtomicMost::default());
        let seen = Arc::clone(&most);
        let outcome = search(random(2000), move || {
            let (lock, inside) = (Arc::new(RwLock::new(0)), Arc::new(AtomicU64::new(0)));
            let readers = ["a", "b"].map(|name| {
                let (lock, inside, seen) = (Arc::clone(&lock), Arc::clone(&inside), Arc::clone(&seen));
                spawn(name, move || {
                    let value = lock.read();
                    seen.note(inside.fetch_add(1, SeqCst) + 1);
                    inside.fetch_add(u64::MAX, SeqCst);
                    assert!(*value % 2 == 0, "a reader sees half a change");
                })
            });
            let writer = spawn("c", move || {
                let mut value = lock.write();
                *value += 1;
                assert_eq!(inside.load(SeqCst), 0, "a reader is inside beside a writer");
                *value += 1;
            });
            readers.into_iter().for_each(|join| join());
            writer();
            Ok(())
        });
        assert!(matches!(outcome, Outcome::Passed { .. }), "{outcome:?}");
        assert_eq!(most.get(), 2);
    }

    #[derive(Default)]
    struct AtomicMost(std::sync::atomic::AtomicU64);

    impl AtomicMost {
        fn note(&self, value: u64) {
            self.0.fetch_max(value, SeqCst);
        }

        fn get(&self) -> u64 {
            self.0.load(SeqCst)
        }
    }

    #[test]
    fn the_states_say_which_threads_wait() {
        let found = found(search(random(10), || {
            let lock = Arc::new(Mutex::new(()));
            let kept = Arc::clone(&lock);
            threads([("a", move || {
                let _held = kept.lock();
                let _again = kept.lock();
            })]);
            Ok(())
        }));
        let [first, second] = &found.steps[..] else { panic!("{found:?}") };
        assert_eq!((first.what.as_str(), first.is_stuck), ("acquires a lock", false));
        assert_eq!((second.what.as_str(), second.is_stuck), ("waits for a lock, which it holds itself", true));
        assert_eq!(first.states.last(), Some(&State::Waits));
        assert!(first.at().starts_with("search.rs:"), "{first:?}");
    }
}

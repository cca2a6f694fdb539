//! What each lane of this process is doing now, for the report after Ctrl-C. It is kept whether or not the lanes are recorded.
//!
//! It costs about 100 nanoseconds for each wait, sleep or work, and nothing in a program that does not call
//! [`watch`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::holding::{Hold, Needs};
use super::waking::{Waking, WakingState};
use super::{Kind, children};
use crate::clock::Moment;

static WATCHED: AtomicBool = AtomicBool::new(false);
static BEGIN: OnceLock<Moment> = OnceLock::new();
/// The lanes that have not ended, by their numbers; a later lane has a larger number.
static LANES: Mutex<BTreeMap<u64, Arc<Slot>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);
/// When a lane last began, changed or ended, in nanoseconds of the machine's clock.
static MOVED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The lane of this thread, or of the task that it polls.
    static CURRENT: RefCell<Option<Arc<Slot>>> = const { RefCell::new(None) };
}

/// A lane.
#[derive(Debug)]
pub struct Slot {
    number: u64,
    name: String,
    /// When it began, or when it last stopped waiting, sleeping or working.
    since: Mutex<Moment>,
    /// Whether a thread runs it: always for a thread's lane, only while it is polled for a task's.
    entered: AtomicBool,
    is_task: bool,
    /// The kernel's number of the thread that began it.
    thread: i32,
    /// The same thread, as the standard library names it.
    thread_id: ThreadId,
    /// The lane during which this lane was entered last: for a task, the lane of the thread or task that polls it.
    polled_by: Mutex<Option<u64>>,
    /// The waits, sleeps and works that have begun and not ended, the newest last.
    doing: Mutex<Vec<Doing>>,
    /// The locks that it holds, the newest last.
    holds: Mutex<Vec<Hold>>,
    /// When it last changed, in nanoseconds of the machine's clock.
    moved: AtomicU64,
    /// The waker of a task.
    waking: Arc<Waking>,
    /// Where the lanes of a child process are told.
    told: children::Slot,
}

impl Slot {
    fn new(number: u64, name: String, is_task: bool, now: Moment) -> Self {
        Self {
            number,
            name,
            since: Mutex::new(now),
            entered: false.into(),
            is_task,
            thread: rustix::thread::gettid().as_raw_nonzero().get(),
            thread_id: thread::current().id(),
            polled_by: Mutex::default(),
            doing: Mutex::default(),
            holds: Mutex::default(),
            moved: now.0.into(),
            waking: Arc::default(),
            told: children::Slot::default(),
        }
    }

    /// Tells the lane to the process that started this one, if that process has a deadline.
    fn tell(&self, has_ended: bool) {
        self.told.write(|| self.state(Moment::now()), has_ended);
    }

    fn state(&self, now: Moment) -> LaneState {
        let all = locked(&self.doing);
        let waking = self.waking.state();
        let moved = Moment(self.moved.load(Relaxed)).max(waking.woken.unwrap_or_default());
        // What keeps the thread ends before everything that began earlier.
        let beside = all.iter().rev().take_while(|doing| !doing.keeps_thread).skip(1).cloned().collect();
        LaneState {
            number: self.number,
            process: None,
            has_ended: false,
            name: self.name.clone(),
            is_task: self.is_task,
            entered: self.entered.load(Relaxed),
            thread: self.thread,
            thread_id: Some(self.thread_id),
            polled_by: *locked(&self.polled_by),
            doing: all.last().cloned(),
            beside,
            holds: locked(&self.holds).clone(),
            still: now.since(moved),
            waking,
        }
    }

    fn note_move(&self, now: Moment) {
        self.moved.store(now.0, Relaxed);
        MOVED.fetch_max(now.0, Relaxed);
    }
}

/// A wait, a sleep or a work of a lane.
#[derive(Clone, Debug)]
pub struct Doing {
    pub(super) number: u64,
    /// Which of the three.
    pub kind: Kind,
    /// What it is for.
    pub what: String,
    /// Where in the source it begins.
    pub place: Place,
    /// Since when.
    pub since: Moment,
    /// What ends a wait.
    pub needs: Needs,
    /// Whether its thread does nothing else meanwhile. A task that waits between its polls does not keep the thread.
    pub keeps_thread: bool,
}

impl Doing {
    /// A wait, a sleep or a work that no lane does.
    #[cfg(test)]
    pub fn of(kind: Kind, what: &str, place: Place, since: Moment, needs: Needs, keeps_thread: bool) -> Self {
        Self { number: 0, kind, what: what.into(), place, since, needs, keeps_thread }
    }
}

/// Where in the source something stands: file and line.
#[derive(Clone, Debug)]
pub enum Place {
    /// The compiler has noted it.
    Noted(&'static Location<'static>),
    /// Another tool has found it, or an empty text.
    Found(String),
}

impl From<&'static Location<'static>> for Place {
    fn from(place: &'static Location<'static>) -> Self {
        Self::Noted(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noted(place) => write!(f, "{}:{}", place.file(), place.line()),
            Self::Found(place) => f.write_str(place),
        }
    }
}

/// What a thread waits for, as a tool knows that follows its calls without a span for each.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it waits for.
    pub what: String,
    /// Since when.
    pub since: Moment,
    /// Where in the source: file and line; empty if that is not known.
    pub place: String,
}

static CALLS: OnceLock<fn(i32) -> Option<Call>> = OnceLock::new();

/// Gives the report a tool that knows what a thread (by the kernel's number) waits for, if the thread's lane does not say it.
pub fn ask_for_calls(calls: fn(i32) -> Option<Call>) {
    let _ = CALLS.set(calls);
}

/// Locks what is never left half changed.
pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under these locks leaves nothing half changed.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The environment variable that tells a child when its program began, so that all its processes count from one moment.
const BEGAN: &str = "LANES_BEGAN";

/// From now on this process keeps what its lanes are doing.
pub fn watch() {
    BEGIN.get_or_init(|| {
        let told = std::env::var(BEGAN).ok().and_then(|began| began.parse().ok()).map(Moment);
        told.unwrap_or_else(Moment::now)
    });
    WATCHED.store(true, Relaxed);
}

/// Tells a child when this program began.
pub fn pass_on(child: &mut Command) {
    if let Some(begin) = BEGIN.get() {
        child.env(BEGAN, begin.0.to_string());
    }
    children::pass_on(child);
}

/// Begins the lane of a thread or of a task; `None` in a process that does not [`watch`].
pub fn lane(name: &dyn std::fmt::Display, is_task: bool) -> Option<Begun> {
    WATCHED.load(Relaxed).then(|| {
        let number = NEXT.fetch_add(1, Relaxed);
        let now = Moment::now();
        let slot = Slot::new(number, name.to_string(), is_task, now);
        slot.note_move(now);
        let slot = Arc::new(slot);
        locked(&LANES).insert(number, Arc::clone(&slot));
        slot.tell(false);
        Begun(slot)
    })
}

/// A lane that has begun. It ends when this is dropped.
#[derive(Debug)]
pub struct Begun(Arc<Slot>);

impl Begun {
    /// Makes this lane the lane of the thread until the returned value is dropped.
    pub fn enter(&self) -> Entered {
        self.0.entered.store(true, Relaxed);
        let outer = CURRENT.with(|current| current.borrow_mut().replace(Arc::clone(&self.0)));
        *locked(&self.0.polled_by) = outer.as_ref().map(|outer| outer.number);
        if self.0.is_task {
            self.0.note_move(Moment::now());
        }
        Entered(outer)
    }

    /// Polls the future of a task, whose lane is the lane of the thread meanwhile.
    pub fn poll<F: Future>(&self, future: Pin<&mut F>, context: &Context<'_>) -> Poll<F::Output> {
        let _entered = self.enter();
        self.0.waking.poll(future, context)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.note_move(Moment::now());
        locked(&LANES).remove(&self.0.number);
        self.0.tell(true);
    }
}

/// While this value lives, the thread has another lane.
#[derive(Debug)]
pub struct Entered(Option<Arc<Slot>>);

impl Drop for Entered {
    fn drop(&mut self) {
        let left = CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), self.0.take()));
        if let Some(slot) = left {
            slot.entered.store(false, Relaxed);
        }
    }
}

/// The current lane does this until the returned value is dropped; `None` if there is no current lane.
pub fn doing(kind: Kind, what: &str, place: impl Into<Place>, keeps_thread: bool) -> Option<Does> {
    begin(kind, what, place.into(), Needs::Unknown, keeps_thread)
}

/// The current lane waits until the returned value is dropped; `needs` says what ends the wait.
pub fn waits(what: &str, place: impl Into<Place>, needs: Needs, keeps_thread: bool) -> Option<Does> {
    begin(Kind::Wait, what, place.into(), needs, keeps_thread)
}

fn begin(kind: Kind, what: &str, place: Place, needs: Needs, keeps_thread: bool) -> Option<Does> {
    let slot = current()?;
    let number = NEXT.fetch_add(1, Relaxed);
    let since = Moment::now();
    {
        // Under one lock, so that a look at the lanes sees both or none.
        let mut doing = locked(&slot.doing);
        slot.note_move(since);
        doing.push(Doing { number, kind, what: what.into(), place, since, needs, keeps_thread });
    }
    slot.tell(false);
    Some(Does { slot, number })
}

fn current() -> Option<Arc<Slot>> {
    if WATCHED.load(Relaxed) { CURRENT.with(|current| current.borrow().clone()) } else { None }
}

/// The number of the current lane.
#[must_use]
pub fn current_number() -> Option<u64> {
    current().map(|slot| slot.number)
}

/// The current lane holds a lock until the returned value is dropped; `None` if there is no current lane.
pub fn holds(hold: Hold) -> Option<Holds> {
    let slot = current()?;
    let number = NEXT.fetch_add(1, Relaxed);
    slot.note_move(Moment::now());
    locked(&slot.holds).push(Hold { number, ..hold });
    slot.tell(false);
    Some(Holds { slot, number })
}

/// A lane holds a lock.
#[derive(Debug)]
pub struct Holds {
    slot: Arc<Slot>,
    number: u64,
}

impl Holds {
    /// Ends the hold and returns what it was.
    fn take(&self) -> Option<Hold> {
        let taken = {
            let mut holds = locked(&self.slot.holds);
            let index = holds.iter().position(|hold| hold.number == self.number)?;
            self.slot.note_move(Moment::now());
            holds.remove(index)
        };
        self.slot.tell(false);
        Some(taken)
    }

    /// Calls `waiting`, during which the lane does not hold the lock.
    pub fn released_during<T>(&self, waiting: impl FnOnce() -> T) -> T {
        let hold = self.take();
        let waited = waiting();
        if let Some(hold) = hold {
            locked(&self.slot.holds).push(hold);
            self.slot.tell(false);
        }
        waited
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        self.take();
    }
}

/// A lane does something.
#[derive(Debug)]
pub struct Does {
    slot: Arc<Slot>,
    number: u64,
}

impl Drop for Does {
    fn drop(&mut self) {
        let now = Moment::now();
        {
            let mut doing = locked(&self.slot.doing);
            doing.retain(|doing| doing.number != self.number);
            if doing.is_empty() {
                *locked(&self.slot.since) = now;
            }
            self.slot.note_move(now);
        }
        self.slot.tell(false);
    }
}

/// What a lane is doing, for those who look for a hang.
#[derive(Clone, Debug)]
pub struct LaneState {
    /// Its number. A later lane has a larger number.
    pub number: u64,
    /// Its process; `None` for this process.
    pub process: Option<u32>,
    /// Whether its process has ended: it never does anything again.
    pub has_ended: bool,
    /// Its name.
    pub name: String,
    /// Whether it is a task's.
    pub is_task: bool,
    /// Whether a thread runs it.
    pub entered: bool,
    /// The thread that began it, as the kernel numbers it.
    pub thread: i32,
    /// The same, as the standard library of this process names it.
    pub thread_id: Option<ThreadId>,
    /// The lane during which it was entered last.
    pub polled_by: Option<u64>,
    /// What it does: the newest of its waits, sleeps and works that have not ended.
    pub doing: Option<Doing>,
    /// The waits and sleeps that a task may have beside it: the end of any of them may be the next thing that happens.
    pub beside: Vec<Doing>,
    /// The locks that it holds.
    pub holds: Vec<Hold>,
    /// For how long it has not changed, and was not woken.
    pub still: Duration,
    /// Whether a task can be woken.
    pub waking: WakingState,
}

/// For how long no lane has begun, changed or ended.
#[must_use]
pub fn still() -> Duration {
    Moment::now().since(Moment(MOVED.load(Relaxed)))
}

/// What all lanes are doing, in the order in which they began.
#[must_use]
pub fn lanes() -> Vec<LaneState> {
    let all: Vec<_> = locked(&LANES).values().cloned().collect();
    let now = Moment::now();
    all.iter().map(|slot| slot.state(now)).collect()
}

/// What each lane is doing: its name, and the rest of the sentence.
#[must_use]
pub fn report() -> Vec<(String, String)> {
    let begin = BEGIN.get().copied().unwrap_or_default();
    let now = Moment::now();
    let lanes: Vec<_> = locked(&LANES).values().cloned().collect();
    lanes.iter().map(|slot| (slot.name.clone(), sentence(slot, begin, now))).collect()
}

/// The begin of the program, in the words of the report.
#[must_use]
pub fn since_begin() -> String {
    let begin = BEGIN.get().copied().unwrap_or_default();
    times(begin, begin, Moment::now())
}

fn times(since: Moment, begin: Moment, now: Moment) -> String {
    let (at, length) = (since.since(begin).as_secs_f64(), now.since(since).as_secs_f64());
    format!("{at:.3} s after the start ({length:.3} s ago)")
}

fn sentence(slot: &Slot, begin: Moment, now: Moment) -> String {
    let doing = locked(&slot.doing);
    let times = |since| format!("since {}", times(since, begin, now));
    let at = |place: &dyn fmt::Display| match place.to_string() {
        place if place.is_empty() => String::new(),
        place => format!(" at {place}"),
    };
    let Some(last) = doing.last() else {
        if let Some(call) = CALLS.get().and_then(|calls| calls(slot.thread)) {
            return format!("waits for {} {}{}", call.what, times(call.since.max(begin)), at(&call.place));
        }
        let verb = if slot.entered.load(Relaxed) { "runs" } else { "is idle" };
        return format!("{verb} {}{}", times(*locked(&slot.since)), super::holding::held(&locked(&slot.holds)));
    };
    let does = match last.kind {
        Kind::Wait => format!("waits for {}", last.what),
        Kind::Sleep => format!("sleeps ({})", last.what),
        _ => format!("runs ({})", last.what),
    };
    format!("{does} {}{}{}", times(last.since), at(&last.place), super::holding::held(&locked(&slot.holds)))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_poll_and_a_wake_up_are_changes_of_a_task() {
        let begin = Moment(1);
        let task = Begun(Arc::new(Slot::new(0, "task".into(), true, begin)));
        let moved = || {
            let now = Moment::now();
            let moved = task.0.state(now).still < now.since(begin);
            task.0.moved.store(begin.0, Relaxed);
            moved
        };
        assert!(!moved());
        let mut waker = Waker::noop().clone();
        let waits = poll_fn(|context| {
            waker.clone_from(context.waker());
            Poll::<()>::Pending
        });
        assert!(task.poll(pin!(waits), &Context::from_waker(Waker::noop())).is_pending());
        assert!(moved(), "the poll");
        assert!(!moved());
        waker.wake();
        assert!(moved(), "the wake-up");
    }

    #[test]
    fn only_the_newest_waits_of_a_task_that_leave_its_thread_stand_beside_each_other() {
        let slot = Slot::new(0, "task".into(), true, Moment(1));
        let keeps = [false, true, false, false, false];
        *locked(&slot.doing) = keeps
            .iter()
            .zip(["a", "b", "c", "d", "e"])
            .map(|(&keeps, what)| {
                Doing::of(Kind::Wait, what, Place::Found(String::new()), Moment(1), Needs::Unknown, keeps)
            })
            .collect();
        let state = slot.state(Moment(2));
        let beside: Vec<_> = state.beside.iter().map(|doing| doing.what.as_str()).collect();
        assert_eq!((state.doing.unwrap().what.as_str(), beside), ("e", vec!["d", "c"]));
    }
}

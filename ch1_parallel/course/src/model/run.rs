//! One run of a story under one schedule: what each thread does next, what is held by which thread, and the steps so far.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::channel::Counts;
use super::tasks::Woken;

/// A step of a schedule.
#[derive(Clone, Debug)]
pub struct Step {
    /// The index of the thread that has taken it.
    pub thread: usize,
    /// What the thread did, in words that follow its name.
    pub what: String,
    /// The thread begins to wait here, and is in a deadlock.
    pub is_stuck: bool,
    /// Where in the source.
    pub place: Option<&'static Location<'static>>,
    /// What each thread does after this step.
    pub states: Vec<State>,
}

/// What a thread does between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not come to its first step.
    New,
    /// It can take its next step.
    Ready,
    /// Its next step must wait for another thread.
    Waits,
    /// It has ended.
    Ended,
}

/// The next step of a thread, as far as it decides whether the thread can take it now. A lock, a condition variable and a barrier
/// are known by where they lie in memory.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// It never blocks.
    Free,
    /// It acquires a lock for itself alone.
    Exclusive(usize),
    /// It acquires a lock that other readers may have too.
    Shared(usize),
    /// A notification of this condition variable ends its wait, and then it acquires this lock.
    Notified(usize, usize),
    /// The barrier has opened more often than this.
    Opened(usize, u64),
    /// It receives.
    Message(Arc<Counts>),
    /// It sends.
    Room(Arc<Counts>),
    /// It polls a task that was woken, and needs the thread of this event loop.
    Poll(Arc<Woken>, Option<usize>),
}

/// A thread.
#[derive(Debug)]
pub(super) struct Thread {
    pub name: String,
    pub next: Next,
    /// The name of what the next step is about, and where in the source it is.
    on: String,
    place: Option<&'static Location<'static>>,
    has_begun: bool,
    has_ended: bool,
    /// What its task waits for, and where in the source.
    wait_of_task: Option<(String, &'static Location<'static>)>,
}

/// A lock that is held.
#[derive(Debug, Default)]
struct Lock {
    name: String,
    writer: Option<usize>,
    readers: Vec<usize>,
}

/// A thread that waits for a condition variable.
#[derive(Debug, Default)]
struct Waiter {
    thread: usize,
    /// The notifications that may end its wait. One for a single thread ends the wait of the first thread that uses it.
    notifications: Vec<u64>,
    all_were_notified: bool,
}

#[derive(Debug, Default)]
struct Gate {
    parties: usize,
    come: usize,
    opened: u64,
}

/// The run of this thread of the system.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub threads: Vec<Thread>,
    pub steps: Vec<Step>,
    /// The thread that was chosen at each point at which the checker decides.
    pub choices: Vec<usize>,
    /// Why this schedule fails.
    pub failure: Option<String>,
    /// No thread of this run may continue.
    pub is_over: bool,
    locks: HashMap<usize, Lock>,
    waiters: HashMap<usize, Vec<Waiter>>,
    gates: HashMap<usize, Gate>,
    notifications: u64,
}

/// What the next operation is about.
type Named = Option<(String, &'static Location<'static>)>;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static RUN: RefCell<Run> = RefCell::default();
    static NAMED: RefCell<Named> = const { RefCell::new(None) };
}

/// Whether this thread of the system searches.
#[must_use]
pub fn is_running() -> bool {
    RUNNING.get()
}

pub(super) fn set_running(is_running: bool) {
    RUNNING.set(is_running);
}

/// Calls `blocking`, whose first step is about something of this name, and at this place in the source.
pub fn named<T>(on: &str, place: &'static Location<'static>, blocking: impl FnOnce() -> T) -> T {
    NAMED.set(Some((on.into(), place)));
    blocking()
}

pub(super) fn with<T>(act: impl FnOnce(&mut Run) -> T) -> T {
    RUN.with(|run| act(&mut run.borrow_mut()))
}

/// The current thread.
pub(super) fn me() -> usize {
    shuttle::current::me().into()
}

/// A step: waits until the checker chooses this thread while nothing blocks `next`, does `act`, and notes what it says.
///
/// `thing` is the name of what the step is about, if the program has given it none.
pub(super) fn step<T>(
    next: Next,
    thing: &str,
    place: Option<&'static Location<'static>>,
    act: impl FnOnce(&mut Run, usize, &str) -> (T, String),
) -> T {
    let me = me();
    let (on, place) = match NAMED.take() {
        Some((on, place)) => (on, Some(place)),
        None => (thing.to_owned(), place),
    };
    // A thread that panics drops its guards, and no longer gives way.
    if !std::thread::panicking() {
        with(|run| {
            run.know(me, "");
            let thread = &mut run.threads[me];
            (thread.next, thread.on, thread.place, thread.has_begun) = (next, on.clone(), place, true);
        });
        give_way();
    }
    with(|run| {
        run.know(me, "");
        run.threads[me].next = Next::Free;
        let (result, what) = act(run, me, &on);
        if !run.is_over {
            run.steps.push(Step { thread: me, what, is_stuck: false, place, states: Vec::new() });
        }
        result
    })
}

/// The checker decides here which thread continues.
pub(super) fn give_way() {
    // Shuttle's threads do not sleep: this is the plainest of its points at which another thread may be chosen.
    shuttle::thread::sleep(Duration::ZERO);
}

/// What a guard does when it is dropped, if it can still do it: a run that is over frees its threads' stacks.
pub(super) fn step_of_drop(act: impl FnOnce(&mut Run, usize) -> String) {
    if is_running() && !with(|run| run.is_over) {
        step(Next::Free, "", None, |run, me, _| ((), act(run, me)));
    }
}

impl Run {
    /// Makes sure that the thread is known, and its name if it has one.
    pub fn know(&mut self, thread: usize, name: &str) {
        while self.threads.len() <= thread {
            let name = format!("thread {}", self.threads.len());
            let (next, on) = (Next::Free, String::new());
            let (place, wait_of_task) = (None, None);
            self.threads.push(Thread { name, next, on, place, has_begun: false, has_ended: false, wait_of_task });
        }
        if !name.is_empty() && self.threads[thread].name != name {
            self.threads[thread].name = name.into();
        }
    }

    /// Where in the source the step is that the thread takes now.
    pub fn place_of(&self, thread: usize) -> Option<&'static Location<'static>> {
        self.threads[thread].place
    }

    pub fn end(&mut self, thread: usize) {
        self.threads[thread].has_ended = true;
    }

    /// Notes the states after the last step, which is complete when the checker chooses again.
    pub fn note_states(&mut self) {
        if self.steps.last().is_some_and(|step| step.states.is_empty()) {
            let states = (0..self.threads.len()).map(|thread| self.state(thread)).collect();
            self.steps.last_mut().expect("just looked at").states = states;
        }
    }

    pub fn state(&self, thread: usize) -> State {
        match &self.threads[thread] {
            it if it.has_ended => State::Ended,
            _ if !self.is_enabled(thread) => State::Waits,
            it if it.has_begun => State::Ready,
            _ => State::New,
        }
    }

    /// Whether nothing blocks the next step of the thread.
    pub fn is_enabled(&self, thread: usize) -> bool {
        match self.threads.get(thread).map_or(&Next::Free, |it| &it.next) {
            Next::Free => true,
            Next::Exclusive(lock) => self.is_free(*lock),
            Next::Shared(lock) => self.can_read(*lock),
            Next::Notified(condition, lock) => self.is_free(*lock) && self.is_notified(*condition, thread),
            Next::Opened(barrier, opened) => self.gates.get(barrier).is_none_or(|gate| gate.opened > *opened),
            Next::Message(channel) => channel.has_message(),
            Next::Room(channel) => channel.has_room(self.receivers(channel)),
            Next::Poll(woken, event_loop) => woken.is_set() && event_loop.is_none_or(|it| self.is_free(it)),
        }
    }

    /// The task of this thread waits for `on`.
    pub fn note_wait_of_task(&mut self, thread: usize, on: &str, place: &'static Location<'static>) {
        self.know(thread, "");
        self.threads[thread].wait_of_task = Some((on.into(), place));
    }

    /// What the task of this thread waits for, and where, as far as it has said so since the last call.
    pub fn wait_of_task(&mut self, thread: usize) -> (String, Option<&'static Location<'static>>) {
        let noted = self.threads[thread].wait_of_task.take();
        noted.map_or_else(|| ("a future".into(), None), |(on, place)| (on, Some(place)))
    }

    fn is_free(&self, lock: usize) -> bool {
        !self.locks.contains_key(&lock)
    }

    fn is_notified(&self, condition: usize, thread: usize) -> bool {
        let waiters = self.waiters.get(&condition).into_iter().flatten();
        let is_notified = |it: &Waiter| it.all_were_notified || !it.notifications.is_empty();
        waiters.filter(|it| it.thread == thread).all(is_notified)
    }

    /// A writer that waits for the lock.
    fn waiting_writer(&self, lock: usize) -> Option<&Thread> {
        self.threads.iter().find(|it| matches!(it.next, Next::Exclusive(wanted) if wanted == lock))
    }

    /// How many threads wait for a message of the channel.
    fn receivers(&self, channel: &Arc<Counts>) -> usize {
        let receives = |it: &&Thread| matches!(&it.next, Next::Message(from) if Arc::ptr_eq(from, channel));
        self.threads.iter().filter(receives).count()
    }

    /// Whether a reader gets the lock. As with parking_lot's, a writer that waits for a lock that is held keeps new readers out.
    pub fn can_read(&self, lock: usize) -> bool {
        self.locks.get(&lock).is_none_or(|held| held.writer.is_none() && self.waiting_writer(lock).is_none())
    }

    pub fn acquire(&mut self, lock: usize, thread: usize, name: &str) {
        self.locks.insert(lock, Lock { name: name.into(), writer: Some(thread), readers: Vec::new() });
    }

    pub fn acquire_to_read(&mut self, lock: usize, thread: usize, name: &str) {
        let lock = self.locks.entry(lock).or_insert_with(|| Lock { name: name.into(), ..Lock::default() });
        lock.readers.push(thread);
    }

    /// Releases the lock, and returns its name.
    pub fn release(&mut self, lock: usize, thread: usize) -> String {
        let Some(held) = self.locks.get_mut(&lock) else { return "a lock".into() };
        let name = held.name.clone();
        match held.readers.iter().position(|&reader| reader == thread) {
            Some(index) => drop(held.readers.remove(index)),
            None => held.writer = None,
        }
        if held.writer.is_none() && held.readers.is_empty() {
            self.locks.remove(&lock);
        }
        name
    }

    /// The thread begins to wait for a notification.
    pub fn wait(&mut self, condition: usize, thread: usize) {
        self.waiters.entry(condition).or_default().push(Waiter { thread, ..Waiter::default() });
    }

    /// The wait of the thread has ended. It has used up its notification.
    pub fn woken(&mut self, condition: usize, thread: usize) {
        let Some(waiters) = self.waiters.get_mut(&condition) else { return };
        let Some(index) = waiters.iter().position(|waiter| waiter.thread == thread) else { return };
        let woken = waiters.remove(index);
        if !woken.all_were_notified
            && let Some(used) = woken.notifications.first()
        {
            waiters.iter_mut().for_each(|waiter| waiter.notifications.retain(|it| it != used));
        }
    }

    /// Notifies one or all of the threads that wait, and returns how many do.
    pub fn notify(&mut self, condition: usize, all: bool) -> usize {
        self.notifications += 1;
        let waiters = self.waiters.entry(condition).or_default();
        for waiter in waiters.iter_mut() {
            waiter.all_were_notified |= all;
            waiter.notifications.push(self.notifications);
        }
        waiters.len()
    }

    /// A thread comes to the barrier. Returns how often the barrier has opened before, and whether it opens now.
    pub fn come(&mut self, barrier: usize, parties: usize) -> (u64, bool) {
        let gate = self.gates.entry(barrier).or_default();
        (gate.parties, gate.come) = (parties, gate.come + 1);
        let before = gate.opened;
        let opens = gate.come == parties;
        if opens {
            (gate.come, gate.opened) = (0, before + 1);
        }
        (before, opens)
    }

    /// What each thread waits for when none can continue. These waits are the last steps.
    pub fn deadlock(&mut self) -> String {
        let mut told = "deadlock: no thread can continue".to_owned();
        for number in 0..self.threads.len() {
            if self.state(number) == State::Waits {
                let Thread { name, place, .. } = &self.threads[number];
                let (what, place) = (self.wait_of(number), *place);
                let at = place.map(|place| format!(" ({})", at(place))).unwrap_or_default();
                told += &format!("\n  {name} {what}{at}");
                self.steps.push(Step { thread: number, what, is_stuck: true, place, states: Vec::new() });
                self.note_states();
            }
        }
        told
    }

    fn wait_of(&self, number: usize) -> String {
        let thread = &self.threads[number];
        let name = |thread: usize| match thread {
            thread if thread == number => "it".to_owned(),
            thread => self.threads[thread].name.clone(),
        };
        let holders = |lock: &usize| {
            let Some(held) = self.locks.get(lock) else { return String::new() };
            let holders: Vec<_> = held.writer.iter().chain(&held.readers).map(|&holder| name(holder)).collect();
            match &holders[..] {
                [one] if one == "it" => ", which it holds itself".to_owned(),
                all => format!(", which {} {}", all.join(" and "), if all.len() == 1 { "holds" } else { "hold" }),
            }
        };
        let why = match &thread.next {
            Next::Free => String::new(),
            Next::Exclusive(lock) => holders(lock),
            Next::Shared(lock) => match self.waiting_writer(*lock) {
                Some(writer) => {
                    format!(": {} waits to write it, and keeps new readers out", writer.name)
                }
                None => holders(lock),
            },
            Next::Notified(condition, lock) if self.is_notified(*condition, number) => {
                format!(": it was woken, and needs the lock{}", holders(lock))
            }
            Next::Notified(..) => ", and no thread is left that could notify".into(),
            Next::Opened(barrier, _) => {
                let (come, parties) = self.gates.get(barrier).map_or((0, 0), |gate| (gate.come, gate.parties));
                format!(": {come} of {parties} threads have come to the barrier")
            }
            Next::Message(channel) => format!(": the channel is empty, and {}", channel.senders_left()),
            Next::Room(_) => ": no thread receives".into(),
            Next::Poll(woken, event_loop) => match event_loop.and_then(|it| self.locks.get(&it)?.writer) {
                Some(holder) if woken.is_set() => {
                    format!(": it was woken, but {} blocks the thread of the event loop", name(holder))
                }
                _ if woken.copies() == 0 => ": no copy of its waker is left".into(),
                _ => ", and no thread is left that could wake it".into(),
            },
        };
        format!("waits for {}{why}", thread.on)
    }
}

/// `lock_order.rs:77`
pub(super) fn at(place: &Location<'_>) -> String {
    let file = place.file();
    format!("{}:{}", file.rsplit('/').next().unwrap_or(file), place.line())
}

impl Step {
    /// The file and the line of the step; empty if they are not known.
    #[must_use]
    pub fn at(&self) -> String {
        self.place.map(at).unwrap_or_default()
    }
}

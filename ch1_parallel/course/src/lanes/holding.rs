//! What lanes hold, and what ends their waits: with both, a hang is explained (see [`hang`](super::hang)).
//!
//! A lock, a barrier and a channel are told apart by where they lie in memory, so two of them may have the same name.

use std::fmt::Write;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use super::between::Between;
use super::board::{self, Place};
use super::{wait_at, wait_for_at, work_at};

/// What ends a wait.
#[derive(Clone, Debug, Default)]
pub enum Needs {
    /// Not known: it may come from outside of the lanes.
    #[default]
    Unknown,
    /// No lane holds the lock any more.
    Exclusive(usize),
    /// No lane holds the lock exclusively, or waits for that: many locks make a reader wait behind a writer that waits.
    Shared(usize),
    /// A message comes, or all senders are dropped.
    Message(Arc<Channel>),
    /// There is room for a message, or all receivers are dropped.
    Room(Arc<Channel>),
    /// This number of lanes waits at the barrier.
    Parties(usize, usize),
    /// Another lane notifies.
    Notification,
    /// The thread ends.
    EndOf(ThreadId),
    /// All tasks of this name end.
    EndOfTask(&'static str),
    /// Another process does it.
    Between(Between),
    /// The job ends.
    EndOfJob(Arc<Job>),
}

/// A lock that a lane holds.
#[derive(Clone, Debug)]
pub struct Hold {
    pub(super) number: u64,
    /// Where the lock lies in memory; 0 for a permit.
    pub lock: usize,
    /// The memory of the semaphore of which it is a permit.
    pub permit_of: Option<u64>,
    /// Its name.
    pub name: String,
    /// Whether other lanes may hold it at the same time.
    pub is_shared: bool,
    /// Where in the source the lane has acquired it.
    pub place: Place,
}

impl Hold {
    fn of_lock(lock: usize, name: &str, is_shared: bool, place: &'static Location<'static>) -> Self {
        Self { number: 0, lock, permit_of: None, name: name.into(), is_shared, place: place.into() }
    }

    pub(super) fn of_permit(memory: u64, name: &str, place: &'static Location<'static>) -> Self {
        Self { permit_of: Some(memory), ..Self::of_lock(0, name, false, place) }
    }
}

/// ", and holds A (since a.rs:1)" for the holds of a lane; empty if there are none.
pub(super) fn held(holds: &[Hold]) -> String {
    let mut text = String::new();
    for (index, hold) in holds.iter().enumerate() {
        let before = if index == 0 { "; it holds" } else { " and" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{before} {} since {}", hold.name, hold.place);
    }
    text
}

fn address<T: ?Sized>(thing: &T) -> usize {
    ptr::from_ref(thing).cast::<()>().addr()
}

/// The guard of a lock. The lane that has acquired the lock holds it until this is dropped.
#[derive(Debug)]
pub struct Held<G> {
    // In this order: the lock is free before the lane is said to hold it no longer.
    guard: G,
    holds: Option<board::Holds>,
}

/// Acquires `lock` with the function `acquire`, which must have no time limit (otherwise use [`wait`](super::wait)). The current lane
/// waits meanwhile, and holds the lock until the result is dropped: it must not give the result to another lane. `lock` is the
/// lock itself, and not an `Arc` of it. For a lock of many readers, `acquire` is the function that writers use.
#[track_caller]
pub fn lock<'lock, L: ?Sized, G>(name: &str, lock: &'lock L, acquire: impl FnOnce(&'lock L) -> G) -> Held<G> {
    acquired(name, address(lock), false, Location::caller(), || acquire(lock))
}

/// The same for a reader, with whom other readers may hold the lock.
#[track_caller]
pub fn read<'lock, L: ?Sized, G>(name: &str, lock: &'lock L, acquire: impl FnOnce(&'lock L) -> G) -> Held<G> {
    acquired(name, address(lock), true, Location::caller(), || acquire(lock))
}

fn acquired<G>(
    name: &str,
    lock: usize,
    is_shared: bool,
    place: &'static Location<'static>,
    acquire: impl FnOnce() -> G,
) -> Held<G> {
    let needs = if is_shared { Needs::Shared(lock) } else { Needs::Exclusive(lock) };
    let guard = wait_at(name, place, needs, acquire);
    Held::new(guard, board::holds(Hold::of_lock(lock, name, is_shared, place)))
}

/// The same as [`lock`] for a lock that gives the thread back: `acquire` returns a future of the guard.
#[track_caller]
pub fn lock_for<'lock, L, A>(
    name: &'static str,
    lock: &'lock L,
    acquire: impl FnOnce(&'lock L) -> A,
) -> impl Future<Output = Held<A::Output>>
where
    L: ?Sized,
    A: Future,
{
    let (place, guard) = (Location::caller(), acquire(lock));
    let lock = address(lock);
    async move {
        let guard = wait_for_at(name, place, Needs::Exclusive(lock), guard).await;
        Held::new(guard, board::holds(Hold::of_lock(lock, name, false, place)))
    }
}

impl<G> Held<G> {
    pub(super) fn new(guard: G, holds: Option<board::Holds>) -> Self {
        Self { guard, holds }
    }
}

impl<G: Deref> Deref for Held<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Held<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// Waits for a condition variable: `wait` gets the guard, and gives the lock up until another lane notifies. It must have no
/// time limit (otherwise use [`wait`](super::wait)).
#[track_caller]
pub fn notified<G, T>(on: &str, held: &mut Held<G>, wait: impl FnOnce(&mut G) -> T) -> T {
    let place = Location::caller();
    let Held { guard, holds } = held;
    let waiting = || wait_at(on, place, Needs::Notification, || wait(guard));
    match holds {
        Some(holds) => holds.released_during(waiting),
        None => waiting(),
    }
}

/// Waits with the function `wait`, which must have no time limit, at a barrier, until `parties` lanes do.
#[track_caller]
pub fn meet<B: ?Sized, T>(name: &str, barrier: &B, parties: usize, wait: impl FnOnce(&B) -> T) -> T {
    wait_at(name, Location::caller(), Needs::Parties(address(barrier), parties), || wait(barrier))
}

/// A channel whose ends are counted.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// How many messages have room in it.
    pub capacity: usize,
    state: Mutex<ChannelState>,
}

/// What is known about a channel.
#[derive(Clone, Debug, Default)]
pub struct ChannelState {
    /// How many messages were sent.
    pub sent: u64,
    /// How many messages were received.
    pub received: u64,
    /// The ends that have not been dropped, in the order in which they were made.
    pub ends: Vec<EndState>,
}

/// An end of a channel.
#[derive(Clone, Debug)]
pub struct EndState {
    number: u64,
    /// Whether it is a sender.
    pub sends: bool,
    /// The lane that made it.
    pub made_by: Option<u64>,
    /// Where in the source.
    pub place: Place,
    /// The lane that has said that it owns it, if no other lane has used it since. Another end may have been moved to any lane.
    pub owned_by: Option<u64>,
    /// The lane that has used it last.
    pub used_by: Option<u64>,
}

impl EndState {
    /// A sender that this lane owns.
    #[cfg(test)]
    pub fn owned_by(lane: u64) -> Self {
        let place = Place::Found(String::new());
        Self { number: 0, sends: true, made_by: None, place, owned_by: Some(lane), used_by: None }
    }
}

impl Channel {
    fn locked(&self) -> MutexGuard<'_, ChannelState> {
        // A panic under this lock leaves nothing half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about it now.
    #[must_use]
    pub fn state(&self) -> ChannelState {
        self.locked().clone()
    }
}

/// An end of a channel. It is dropped by the lane that owns it, or moved to another lane.
#[derive(Debug)]
pub struct End<T> {
    // In this order: the channel has lost the end before it is said so.
    end: T,
    counted: Counted,
}

/// An end is counted until this is dropped.
#[derive(Debug)]
struct Counted {
    channel: Arc<Channel>,
    number: u64,
    sends: bool,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Counted {
    fn new(channel: &Arc<Channel>, sends: bool, place: &'static Location<'static>) -> Self {
        let number = NEXT.fetch_add(1, Relaxed);
        let made_by = board::current_number();
        channel.locked().ends.push(EndState {
            number,
            sends,
            made_by,
            place: place.into(),
            owned_by: None,
            used_by: None,
        });
        Self { channel: Arc::clone(channel), number, sends }
    }

    /// The current lane uses the end, or `owns` it.
    fn note_use(&self, owns: bool) {
        let Some(lane) = board::current_number() else { return };
        let mut state = self.channel.locked();
        if let Some(end) = state.ends.iter_mut().find(|end| end.number == self.number) {
            end.used_by = Some(lane);
            end.owned_by = if owns { Some(lane) } else { end.owned_by.filter(|&owner| owner == lane) };
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.channel.locked().ends.retain(|end| end.number != self.number);
    }
}

impl<T: Clone> Clone for End<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        let Counted { channel, sends, .. } = &self.counted;
        Self { end: self.end.clone(), counted: Counted::new(channel, *sends, Location::caller()) }
    }
}

/// Makes a channel with room for `capacity` messages, with the function `make`: a sender and a receiver.
#[track_caller]
pub fn channel<S, R>(name: &str, capacity: usize, make: impl FnOnce(usize) -> (S, R)) -> (End<S>, End<R>) {
    let place = Location::caller();
    let (sender, receiver) = make(capacity);
    let channel = Arc::new(Channel { name: name.into(), capacity, state: Mutex::default() });
    let [sends, receives] = [true, false].map(|sends| Counted::new(&channel, sends, place));
    (End { end: sender, counted: sends }, End { end: receiver, counted: receives })
}

/// Says that the current lane owns this end until it is dropped. Without it a report of a hang must assume that the end was moved, and
/// that any lane may use it next.
pub fn own<T>(end: &End<T>) {
    end.counted.note_use(true);
}

/// Sends with the function `send`, which must have no time limit. The current lane waits while the channel has no room.
///
/// # Errors
/// Those of `send`.
#[track_caller]
pub fn send<S, T, E>(end: &End<S>, send: impl FnOnce(&S) -> Result<T, E>) -> Result<T, E> {
    let channel = &end.counted.channel;
    end.counted.note_use(false);
    let sent = wait_at(&channel.name, Location::caller(), Needs::Room(Arc::clone(channel)), || send(&end.end));
    if sent.is_ok() {
        channel.locked().sent += 1;
    }
    sent
}

/// Receives with the function `receive`, which must have no time limit. The current lane waits while the channel is empty.
///
/// # Errors
/// Those of `receive`.
#[track_caller]
pub fn receive<R, T, E>(end: &End<R>, receive: impl FnOnce(&R) -> Result<T, E>) -> Result<T, E> {
    let channel = &end.counted.channel;
    end.counted.note_use(false);
    let needs = Needs::Message(Arc::clone(channel));
    let received = wait_at(&channel.name, Location::caller(), needs, || receive(&end.end));
    if received.is_ok() {
        channel.locked().received += 1;
    }
    received
}

/// A job of a pool: any thread of the pool may run it.
#[derive(Debug, Default)]
pub struct Job {
    run_by: Mutex<Option<u64>>,
}

impl Job {
    /// A job that this lane runs.
    #[cfg(test)]
    pub fn of(run_by: Option<u64>) -> Self {
        Self { run_by: Mutex::new(run_by) }
    }

    /// The lane that runs it; `None` before its begin and after its end.
    #[must_use]
    pub fn run_by(&self) -> Option<u64> {
        *board::locked(&self.run_by)
    }

    fn run<T>(&self, name: &str, place: &'static Location<'static>, work: impl FnOnce() -> T) -> T {
        *board::locked(&self.run_by) = board::current_number();
        let value = work_at(name, place, work);
        *board::locked(&self.run_by) = None;
        value
    }
}

/// A job as a pool gets it.
pub type Boxed<'job, T> = Box<dyn FnOnce() -> T + Send + 'job>;

/// Runs two jobs with the function `join` of a pool, such as `rayon::join`: the current lane runs the first job, and while it waits for
/// the end of the second one, another lane may run that.
#[track_caller]
pub fn fork_join<'job, A, B>(
    names: [&'job str; 2],
    first: impl FnOnce() -> A + Send + 'job,
    second: impl FnOnce() -> B + Send + 'job,
    join: impl FnOnce(Boxed<'job, A>, Boxed<'job, B>) -> (A, B),
) -> (A, B) {
    let place = Location::caller();
    let job = Arc::new(Job::default());
    let needs = Needs::EndOfJob(Arc::clone(&job));
    let first = Box::new(move || work_at(names[0], place, first));
    let second = Box::new(move || job.run(names[1], place, second));
    wait_at(names[1], place, needs, || join(first, second))
}

//! Lanes: when each thread, process, rank and task ran, slept or waited, and for what.
//!
//! A *lane* is a thread, a process, a rank or a task. At any moment it runs, sleeps, waits for something, or is idle.
//! A program names its lanes with [`lane`] (or [`task`], for a future) and marks what blocks with [`wait`] (or [`wait_for`]).
//!
//! ```
//! use course::lanes;
//! use std::{sync::Barrier, thread};
//!
//! let finish_line = Barrier::new(2);
//! thread::scope(|scope| {
//!     for name in ["Huey", "Dewey"] {
//!         let finish_line = &finish_line;
//!         scope.spawn(move || {
//!             let _lane = lanes::lane(name);
//!             lanes::wait("barrier", || finish_line.wait());
//!         });
//!     }
//! });
//! ```
//!
//! Each lane, wait, sleep and work is a span of the [`tracing`] crate with the target `lanes`, so any subscriber can
//! follow them. Without a subscriber the span costs one load and a branch. What a lane is doing
//! is also kept for the report after Ctrl-C, which costs about 100 ns (see [`board`]).
//!
//! [`record`] is the subscriber behind `--timeline`, `--svg` and `--trace`. It writes each change of a lane at once into
//! a file in memory that all processes of the run share, so that the record keeps what a killed child did until
//! then, and so that another process can read the lanes while the program hangs.

mod apportion;
mod between;
pub mod board;
pub mod chart;
pub mod children;
pub mod exchange;
pub mod family;
pub mod hang;
pub mod holding;
pub mod picture;
pub mod record;
mod state;
pub mod svg;
pub mod trace;
mod waking;

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::thread::{self, ThreadId};
use std::time::Duration;

use tracing::{Instrument, Span, info_span};

pub use between::{end_of, permit, pipe, read_from, write_to};
use holding::Needs;
pub use holding::{End, Held, channel, fork_join, lock, lock_for, meet, notified, own, read, receive, send};
use record::wakes;
pub use state::{Kind, State};

/// The `tracing` target of every span of a lane.
pub const TARGET: &str = "lanes";

/// The current thread's lane, until it is dropped.
#[must_use = "a lane ends when it is dropped: bind it to a name, `let _lane = ...`"]
#[derive(Debug)]
pub struct Lane {
    // Entered spans belong to their thread, so a `Lane` cannot be sent to another one.
    _span: tracing::span::EnteredSpan,
    // In this order: a thread leaves its lane before the lane ends.
    _entered: Option<board::Entered>,
    _begun: Option<board::Begun>,
}

/// Names the lane of the current thread. The lane lasts until the returned value is dropped.
pub fn lane(name: impl Display) -> Lane {
    let span = info_span!(target: TARGET, parent: None, "lane", label = %name, kind = "thread");
    let begun = board::lane(&name, false);
    Lane { _span: span.entered(), _entered: begun.as_ref().map(board::Begun::enter), _begun: begun }
}

/// Gives `future` a lane of its own, which runs only while the future is polled. In a picture it hangs below the task that calls
/// this function. The trace has who woke it.
pub fn task<F: Future>(name: impl Display, future: F) -> impl Future<Output = F::Output> {
    let spawn = wakes::Cause::spawn();
    let span = info_span!(target: TARGET, parent: None, "lane", label = %name, kind = "task");
    let begun = board::lane(&name, true);
    let polled = async move {
        let mut future = pin!(future);
        let polled = poll_fn(|context| match &begun {
            Some(begun) => begun.poll(future.as_mut(), context),
            None => future.as_mut().poll(context),
        });
        wakes::noted(spawn, polled).await
    };
    polled.instrument(span)
}

/// Calls `blocking`, and marks this time as a wait of the current lane for `on`.
#[track_caller]
pub fn wait<T>(on: &str, blocking: impl FnOnce() -> T) -> T {
    wait_at(on, Location::caller(), Needs::Unknown, blocking)
}

/// The same at a place that the caller has noted; `needs` says what ends the wait.
fn wait_at<T>(on: &str, place: &'static Location<'static>, needs: Needs, blocking: impl FnOnce() -> T) -> T {
    // The checker's threads share one thread of the system, so a span of one of them must not be open while another one runs.
    #[cfg(feature = "model")]
    if crate::model::is_running() {
        return crate::model::named(on, place, blocking);
    }
    let _doing = board::waits(on, place, needs, true);
    wait_span(on, place, true).in_scope(blocking)
}

/// The current lane waits until this is dropped.
#[must_use = "a wait ends when it is dropped"]
#[derive(Debug)]
pub struct Waiting {
    _span: tracing::span::EnteredSpan,
    _doing: Option<board::Does>,
}

/// Begins a wait of the current lane for `on`, at a place (`FILE:LINE`) that the caller has found; empty if it is not known.
pub fn waiting(on: &str, place: &str) -> Waiting {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
    let line: u32 = line.parse().unwrap_or(0);
    let doing = board::doing(Kind::Wait, on, board::Place::Found(place.into()), true);
    Waiting {
        _span: info_span!(target: TARGET, "wait", label = on, file, line, keeps_thread = true).entered(),
        _doing: doing,
    }
}

/// Marks `future` as what the current task waits for, from its first poll until it is ready.
#[track_caller]
pub fn wait_for<F: Future>(on: &'static str, future: F) -> impl Future<Output = F::Output> {
    wait_for_at(on, Location::caller(), Needs::Unknown, future)
}

/// The same at a place that the caller has noted; `needs` says what ends the wait.
async fn wait_for_at<F: Future>(on: &str, place: &'static Location<'static>, needs: Needs, future: F) -> F::Output {
    // The poll of a task may let another thread of the checker run, so here too no span may be open.
    #[cfg(feature = "model")]
    if crate::model::is_running() {
        return crate::model::waits_for(on, place, future).await;
    }
    // The span is made on the first poll: only then is the task's lane the current one.
    let is_known = !matches!(needs, Needs::Unknown);
    let _doing = board::waits(on, place, needs, false);
    let waited = marked(wait_span(on, place, false), future);
    if is_known { waking::counted(waited).await } else { waited.await }
}

/// `thread::sleep`, marked as a sleep of the current lane. `label` says what the sleep stands for: a pause, or work that
/// takes this long.
#[track_caller]
pub fn sleep(label: &str, duration: Duration) {
    // At pace 0 there are no pauses, and none may be drawn.
    if duration.is_zero() {
        return;
    }
    let place = Location::caller();
    let _doing = board::doing(Kind::Sleep, label, place, true);
    sleep_span(label, place, true).in_scope(|| thread::sleep(duration));
}

/// Marks `pause`, a future that sleeps, as a sleep of the current task. `label` says what the sleep stands for.
#[track_caller]
pub fn sleeping<F: Future>(label: &'static str, pause: F) -> impl Future<Output = F::Output> {
    let place = Location::caller();
    // On the first poll, as in `wait_for`.
    async move {
        let _doing = board::doing(Kind::Sleep, label, place, false);
        marked(sleep_span(label, place, false), pause).await
    }
}

/// Polls `future` within a span of the current lane. If the lane is a thread's, this function also records which lane wakes the
/// thread. For a task, the function [`task`] records that.
async fn marked<F: Future>(span: Span, future: F) -> F::Output {
    let future = future.instrument(span);
    if wakes::is_thread() { wakes::noted(None, future).await } else { future.await }
}

/// Joins a thread and returns its result. The current lane waits meanwhile.
///
/// # Panics
/// The thread has panicked, which in a program of the course has ended the process already.
#[track_caller]
pub fn join<J: Join>(thread: J) -> J::Value {
    join_at(thread, Location::caller())
}

/// Joins all `threads` and returns their results in the order of the handles. The current lane waits meanwhile.
///
/// # Panics
/// As [`join`].
#[track_caller]
pub fn join_all<J: Join>(threads: impl IntoIterator<Item = J>) -> Vec<J::Value> {
    let place = Location::caller();
    threads.into_iter().map(|thread| join_at(thread, place)).collect()
}

fn join_at<J: Join>(thread: J, place: &'static Location<'static>) -> J::Value {
    let needs = Needs::EndOf(thread.id());
    wait_at("join", place, needs, || thread.join()).expect("the thread does not panic")
}

/// Waits for the end of the spawned task whose lane has this `name`: `handle` is ready then. No other future polls that task.
#[track_caller]
pub fn join_for<H: Future>(name: &'static str, handle: H) -> impl Future<Output = H::Output> {
    wait_for_at(name, Location::caller(), Needs::EndOfTask(name), handle)
}

/// A handle by which a thread is joined.
pub trait Join {
    /// What the thread returns.
    type Value;

    /// The thread that it joins.
    fn id(&self) -> ThreadId;

    /// Blocks until the thread has ended.
    ///
    /// # Errors
    /// The thread has panicked.
    fn join(self) -> thread::Result<Self::Value>;
}

impl<T> Join for thread::JoinHandle<T> {
    type Value = T;

    fn id(&self) -> ThreadId {
        self.thread().id()
    }

    fn join(self) -> thread::Result<T> {
        self.join()
    }
}

impl<T> Join for thread::ScopedJoinHandle<'_, T> {
    type Value = T;

    fn id(&self) -> ThreadId {
        self.thread().id()
    }

    fn join(self) -> thread::Result<T> {
        self.join()
    }
}

/// Says what the current lane does while `working` runs.
#[track_caller]
pub fn work<T>(what: &str, working: impl FnOnce() -> T) -> T {
    work_at(what, Location::caller(), working)
}

/// The same at a place that the caller has noted.
fn work_at<T>(what: &str, place: &'static Location<'static>, working: impl FnOnce() -> T) -> T {
    let _doing = board::doing(Kind::Run, what, place, true);
    info_span!(target: TARGET, "work", label = what, file = place.file(), line = place.line()).in_scope(working)
}

fn sleep_span(label: &str, place: &Location<'_>, keeps_thread: bool) -> Span {
    info_span!(target: TARGET, "sleep", label, file = place.file(), line = place.line(), keeps_thread)
}

fn wait_span(on: &str, place: &Location<'_>, keeps_thread: bool) -> Span {
    info_span!(target: TARGET, "wait", label = on, file = place.file(), line = place.line(), keeps_thread)
}

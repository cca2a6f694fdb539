//! Wakes: which lane woke a lane that waited, when, and when the woken lane was polled.
//!
//! A future that is not ready keeps the waker of its task. The thread that completes what the future waits for calls this waker.
//! [`noted`] gives the future a waker of the record: it notes the lane of the thread that calls it, and then calls the waker of
//! the executor. A task is polled for the first time because it was spawned: this counts as its first wake.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use tracing::span::Id;

use super::file::{Entry, UnkeptEntry, WakeEntry};
use super::{OWN, Record, locked};
use crate::clock::Moment;

/// A process records at most this number of wakes, and counts the others.
const MOST: u64 = 20_000;

thread_local! {
    /// The spans of lanes, and those within lanes, in which this thread is; the innermost last.
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// A span in which a thread is.
pub struct Entered {
    /// The span.
    pub span: Id,
    /// The number of its lane; `None` if the lane is not recorded.
    pub lane: Option<u32>,
    /// If the lane is a thread's: whether the lane waits or sleeps now. The thread then runs an executor, and a wake that comes from
    /// this thread is a wake by the executor and not by the lane.
    pub gave_thread: Option<Arc<AtomicBool>>,
}

/// The thread enters a span.
pub fn enter(span: Entered) {
    ENTERED.with_borrow_mut(|entered| entered.push(span));
}

/// The thread leaves a span, which need not be the innermost.
pub fn exit(span: &Id) {
    ENTERED.with_borrow_mut(|entered| {
        if let Some(place) = entered.iter().rposition(|entered| entered.span == *span) {
            entered.remove(place);
        }
    });
}

/// The number of the lane that this thread runs at this moment. `None` if it runs no lane, or one that is not recorded, or if it
/// runs the executor itself, which wakes tasks whose time has come.
pub fn running() -> Option<u32> {
    ENTERED.with_borrow(|entered| {
        let innermost = entered.last()?;
        let gave_thread = innermost.gave_thread.as_ref().is_some_and(|gave| gave.load(Relaxed));
        if gave_thread { None } else { innermost.lane }
    })
}

/// The number of the lane whose span this thread has entered last, whether or not the lane runs.
pub fn entered() -> Option<u32> {
    ENTERED.with_borrow(|entered| entered.last()?.lane)
}

/// Whether the lane that this thread has entered is a thread's.
pub fn is_thread() -> bool {
    ENTERED.with_borrow(|entered| entered.last().is_some_and(|innermost| innermost.gave_thread.is_some()))
}

/// What this process has counted.
#[derive(Default)]
pub struct Wakes {
    kept: AtomicU64,
    /// How many were not kept, and where the record says so.
    unkept: Mutex<Option<(u64, u64)>>,
}

/// Why a lane is polled next.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The number of the lane that woke or spawned it.
    by: Option<u32>,
    at: Moment,
    spawned: bool,
}

impl Cause {
    /// The lane that runs now spawns a task; `None` if nothing is recorded.
    pub fn spawn() -> Option<Self> {
        OWN.get().map(|_| Self { by: running().or_else(entered), at: Moment::now(), spawned: true })
    }
}

/// Polls `future` with a waker that notes who calls it, for the lane that the thread has entered. The first poll has this `cause`.
pub async fn noted<F: Future>(cause: Option<Cause>, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut noting: Option<Arc<Noting>> = None;
    poll_fn(|context| {
        let (Some(record), Some(woken)) = (OWN.get(), entered()) else { return future.as_mut().poll(context) };
        let noting = noting.get_or_insert_with(|| {
            Arc::new(Noting { executor: Mutex::new(context.waker().clone()), cause: Mutex::new(cause) })
        });
        locked(&noting.executor).clone_from(context.waker());
        // A call of the waker during this poll belongs to the next poll, so the cause is taken before.
        let cause = locked(&noting.cause).take();
        if let Some(cause) = cause {
            record.note_wake(cause, woken);
        }
        future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(noting))))
    })
    .await
}

/// A waker that notes who calls it.
struct Noting {
    /// The waker of the executor.
    executor: Mutex<Waker>,
    /// The first call since the last poll.
    cause: Mutex<Option<Cause>>,
}

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        locked(&self.cause).get_or_insert_with(|| Cause { by: running(), at: Moment::now(), spawned: false });
        // It is called without the lock: the executor may poll the task at once.
        let executor = locked(&self.executor).clone();
        executor.wake();
    }
}

impl Record {
    fn note_wake(&self, Cause { by, at, spawned }: Cause, woken: u32) {
        if self.closed.load(Relaxed) {
            return;
        }
        if self.wakes.kept.fetch_add(1, Relaxed) < MOST {
            let polled = Moment::now().0;
            self.append(&Entry::Wake(WakeEntry { process: self.process, by, woken, at: at.0, polled, spawned }));
            return;
        }
        let mut unkept = locked(&self.wakes.unkept);
        let count = unkept.map_or(0, |(count, _)| count) + 1;
        let entry = Entry::Unkept(UnkeptEntry { process: self.process, wakes: count });
        let place = match *unkept {
            Some((_, place)) => {
                self.anew(place, &entry);
                Some(place)
            }
            None => self.append(&entry),
        };
        *unkept = place.map(|place| (count, place));
    }
}

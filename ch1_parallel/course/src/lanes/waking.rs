//! Whether a task can be woken: whether a copy of its waker is left, and whether it was woken and not polled since.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicU64, fence};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::board::locked;
use crate::clock::Moment;

/// The waker of a task: it notes the call, and then calls the waker of the executor. The board has one `Arc` of it, and each copy of
/// the waker has another one.
#[derive(Debug)]
pub struct Waking {
    executor: Mutex<Waker>,
    /// When the last poll began, in nanoseconds of the machine's clock; 0 before the first one.
    polled: AtomicU64,
    /// When the waker was called for the first time since then; 0 if it was not.
    woken: AtomicU64,
}

impl Default for Waking {
    fn default() -> Self {
        Self { executor: Mutex::new(Waker::noop().clone()), polled: 0.into(), woken: 0.into() }
    }
}

impl Waking {
    /// Polls the task's future with this waker.
    pub fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>, context: &Context<'_>) -> Poll<F::Output> {
        locked(&self.executor).clone_from(context.waker());
        self.polled.store(Moment::now().0, Relaxed);
        self.woken.store(0, Relaxed);
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    /// What is known now.
    pub fn state(self: &Arc<Self>) -> WakingState {
        let moment = |nanoseconds: &AtomicU64| Some(Moment(nanoseconds.load(Relaxed))).filter(|moment| moment.0 > 0);
        // In this order: a call that has used up the last copy was noted before.
        let copies = Arc::strong_count(self) - 1;
        fence(Acquire);
        WakingState { copies, polled: moment(&self.polled), woken: moment(&self.woken) }
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _ = self.woken.compare_exchange(0, Moment::now().0, Relaxed, Relaxed);
        // It is called without the lock: the executor may poll the task at once.
        let executor = locked(&self.executor).clone();
        executor.wake();
    }
}

/// Polls `future` with a waker of its own. So the future has one copy of the task's waker, however many copies it makes.
pub async fn counted<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waking = Arc::<Waking>::default();
    poll_fn(|context| waking.poll(future.as_mut(), context)).await
}

/// Whether a task can be woken.
#[derive(Clone, Copy, Debug, Default)]
pub struct WakingState {
    /// The copies of the waker that are left.
    pub copies: usize,
    /// When the last poll began.
    pub polled: Option<Moment>,
    /// When the waker was called for the first time since then.
    pub woken: Option<Moment>,
}

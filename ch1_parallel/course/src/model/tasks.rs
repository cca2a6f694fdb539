//! Tasks: futures that threads of the checker poll.

use std::future::poll_fn;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use super::run::{self, Next, Run, me, step};

/// Whether a task was woken since its last poll began.
#[derive(Debug)]
pub(super) struct Woken(AtomicBool);

/// The thread, the next step of the thread and the executor have the waker too.
const OWN: usize = 3;

impl Woken {
    pub fn is_set(&self) -> bool {
        self.0.load(SeqCst)
    }

    /// How many copies of the waker the rest of the program has, while the task waits.
    pub fn copies(self: &Arc<Self>) -> usize {
        Arc::strong_count(self).saturating_sub(OWN)
    }
}

impl Wake for Woken {
    // It is no step: it may be called under a lock of the system, and then another thread of the checker must not run.
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// The thread of an event loop, which polls one of its tasks at a time.
#[derive(Debug, Default)]
pub struct EventLoop {
    // Two values that take up no memory could lie in one place.
    _place: u8,
}

impl EventLoop {
    /// An event loop.
    #[must_use]
    pub const fn new() -> Self {
        Self { _place: 0 }
    }

    /// Polls the future until it is ready. The current thread of the checker stands for a task of this event loop, so no other task of
    /// the event loop is polled at the same time.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        poll(Some(std::ptr::from_ref(self).addr()), future)
    }
}

/// Polls the future until it is ready. The current thread of the checker stands for the task and for its executor.
pub fn block_on<F: Future>(future: F) -> F::Output {
    poll(None, future)
}

/// The name of the thread of an event loop in the steps.
const THREAD: &str = "the thread of the event loop";

fn poll<F: Future>(event_loop: Option<usize>, future: F) -> F::Output {
    let mut future = pin!(future);
    let woken = Arc::new(Woken(true.into()));
    let waker = Waker::from(Arc::clone(&woken));
    let (mut on, mut place) = ("its first poll".to_owned(), None);
    loop {
        step(Next::Poll(Arc::clone(&woken), event_loop), &on, place, |run, me, _| {
            if let Some(event_loop) = event_loop {
                run.acquire(event_loop, me, THREAD);
            }
            ((), "is polled".to_owned())
        });
        woken.0.store(false, SeqCst);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let leave = |run: &mut Run, me| event_loop.map(|event_loop| run.release(event_loop, me));
        match polled {
            Poll::Ready(value) => {
                run::with(|run| leave(run, me()));
                return value;
            }
            Poll::Pending => {
                (on, place) = run::with(|run| run.wait_of_task(me()));
                step(Next::Free, &on, place, |run, me, on| {
                    leave(run, me);
                    ((), format!("waits for {on}"))
                });
            }
        }
    }
}

/// Notes in each poll that is not ready that the current task waits for `on`.
pub async fn waits_for<F: Future>(on: &str, place: &'static Location<'static>, future: F) -> F::Output {
    let mut future = pin!(future);
    let noted = poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            run::with(|run| run.note_wait_of_task(me(), on, place));
        }
        polled
    });
    noted.await
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Mutex as StdMutex;

    use super::*;
    use crate::lanes;
    use crate::model::{Found, Mutex, Order, Outcome, search, spawn, threads};

    fn search_at_random(story: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Outcome {
        search(Order::Random { schedules: 500, seed: 1 }, story)
    }

    fn found(outcome: Outcome) -> Found {
        match outcome {
            Outcome::Failed(found) => found,
            other => panic!("{other:?}"),
        }
    }

    /// A future that is ready when it was told so. It keeps the waker of each poll if it is told to.
    #[derive(Default)]
    struct Signal(StdMutex<(bool, Option<Waker>)>);

    impl Signal {
        fn poll(&self, context: &Context<'_>, keeps: bool) -> Poll<()> {
            let mut signal = self.0.lock().expect("no panic");
            if keeps {
                signal.1 = Some(context.waker().clone());
            }
            if signal.0 { Poll::Ready(()) } else { Poll::Pending }
        }

        fn set(&self) {
            let mut signal = self.0.lock().expect("no panic");
            signal.0 = true;
            if let Some(waker) = &signal.1 {
                waker.wake_by_ref();
            }
        }
    }

    fn waits_and_sets(keeps: bool) -> Outcome {
        search_at_random(move || {
            let signal = Arc::new(Signal::default());
            let set = Arc::clone(&signal);
            let waits = spawn("waits", move || {
                block_on(lanes::wait_for("a signal", poll_fn(|context| signal.poll(context, keeps))));
            });
            spawn("sets", move || block_on(async { set.set() }))();
            waits();
            Ok(())
        })
    }

    #[test]
    fn a_task_is_polled_again_when_it_was_woken() {
        assert!(matches!(waits_and_sets(true), Outcome::Passed { schedules: 500 }));
    }

    #[test]
    fn a_task_without_a_waker_is_stuck_if_it_was_polled_too_early() {
        let found = found(waits_and_sets(false));
        let told =
            "deadlock: no thread can continue\n  waits waits for a signal: no copy of its waker is left (tasks.rs:";
        assert!(found.failure.lines().next() == told.lines().next(), "{found:?}");
        let line = found.failure.lines().find(|line| line.contains("waits waits")).expect("the task");
        assert!(line.starts_with(told.lines().nth(1).expect("a line")), "{found:?}");
        let steps: Vec<_> = found.steps.iter().map(|step| step.what.as_str()).collect();
        assert!(steps.contains(&"is polled") && steps.contains(&"waits for a signal"), "{steps:?}");
    }

    #[test]
    fn the_tasks_of_an_event_loop_are_polled_one_at_a_time() {
        let outcome = search_at_random(|| {
            let shared = Arc::new((EventLoop::new(), Mutex::new(0), StdMutex::new(0)));
            threads(["a", "b"].map(|name| {
                let shared = Arc::clone(&shared);
                (name, move || {
                    shared.0.run(async {
                        *shared.2.try_lock().expect("no other task is here") += 1;
                        let held = shared.2.try_lock().expect("no other task is here");
                        // At this step the checker could choose another thread.
                        *shared.1.lock() += *held;
                    });
                })
            }));
            Ok(())
        });
        assert!(matches!(outcome, Outcome::Passed { .. }), "{outcome:?}");
    }

    #[test]
    fn a_task_that_blocks_keeps_the_thread_of_its_event_loop() {
        let found = found(search_at_random(|| {
            let shared = Arc::new((EventLoop::new(), Mutex::new(())));
            threads(["a", "b"].map(|name| {
                let shared = Arc::clone(&shared);
                (name, move || {
                    shared.0.run(async {
                        let _held = shared.1.lock();
                        let mut is_first = true;
                        let yields = poll_fn(|context| {
                            context.waker().wake_by_ref();
                            if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
                        });
                        lanes::wait_for("its turn", yields).await;
                    });
                })
            }));
            Ok(())
        }));
        let waits = |one: &str, other: &str| {
            let woken =
                format!("{one} waits for its turn: it was woken, but {other} blocks the thread of the event loop");
            found.failure.contains(&woken)
                && found.failure.contains(&format!("{other} waits for a lock, which {one} holds"))
        };
        assert!(waits("a", "b") || waits("b", "a"), "{found:?}");
    }
}

//! What a report of a hang proves about tasks, and what it must not claim. The test polls the tasks by hand, so nothing depends on time.
//!
//! The lanes belong to the process, so the tests run one after the other.

use std::future::{Future, pending, poll_fn, ready};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use course::lanes::hang::{Lanes, Verdict};
use course::lanes::{self, Lane, board};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The lane of a thread that polls tasks.
fn main_lane() -> (Lane, MutexGuard<'static, ()>) {
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    board::watch();
    (lanes::lane("main"), turn)
}

/// An event for which futures can wait.
#[derive(Default)]
struct Event {
    has_come: Mutex<bool>,
    wakers: Mutex<Vec<Waker>>,
}

impl Event {
    async fn wait(&self) {
        poll_fn(|context| {
            if *self.has_come.lock().unwrap() {
                return Poll::Ready(());
            }
            self.wakers.lock().unwrap().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn comes(&self) {
        *self.has_come.lock().unwrap() = true;
        self.wakers.lock().unwrap().drain(..).for_each(Waker::wake);
    }
}

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn task<'a>(name: &'a str, future: impl Future<Output = ()> + 'a) -> Task<'a> {
    Box::pin(lanes::task(name, future))
}

/// Polls a task, which is not ready.
fn poll(task: &mut Task<'_>) {
    assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn lanes_now() -> Lanes {
    Lanes::now(Duration::ZERO)
}

/// The report, of which it is proved that lanes can never go on. A place is `HERE`.
fn proved() -> String {
    let lanes = lanes_now();
    assert_eq!(lanes.verdict(), Verdict::Deadlock, "{}", lanes.report());
    let mut words: Vec<String> = Vec::new();
    for word in lanes.report().split(' ') {
        words.push(match word.split_once(file!()) {
            // The line's digits are followed by what the sentence goes on with.
            Some((_, rest)) => format!("HERE{}", rest.trim_start_matches(|it: char| it == ':' || it.is_ascii_digit())),
            None => word.into(),
        });
    }
    words.join(" ")
}

fn not_proved() {
    assert_ne!(lanes_now().verdict(), Verdict::Deadlock, "{}", lanes_now().report());
}

/// Holds the lock while it waits for `event`.
async fn holds(lock: &Mutex<()>, event: &Event) {
    let _guard = lanes::lock_for("the lock", lock, |_| ready(())).await;
    lanes::wait_for("an event", event.wait()).await;
}

/// Waits for a lock that another lane holds.
async fn needs(lock: &Mutex<()>, free: &Event) {
    lanes::lock_for("the lock", lock, |_| free.wait()).await;
}

#[test]
fn a_task_that_blocks_the_thread_of_the_holder_is_a_deadlock() {
    let _main = main_lane();
    let (lock, event) = Default::default();
    let mut holder = task("holder", holds(&lock, &event));
    poll(&mut holder);
    not_proved();
    let mut blocker = task("blocker", async {
        lanes::lock("the lock", &lock, |_| {
            // As long as the blocking call lasts, no task of this thread is polled, not even one that was woken.
            assert_eq!(
                proved(),
                "deadlock: these lanes can never go on:\n  \
                 blocker waits for the lock at HERE\n  \
                 holder waits for an event at HERE; it holds the lock since HERE\n  \
                 main polls blocker\n\
                 reason: a cycle: blocker waits for the lock at HERE, which holder holds since HERE; \
                 holder goes on only in the thread of main, which blocker blocks\n"
            );
            event.comes();
            assert!(
                proved().contains("\n  holder waits for an event at HERE, was woken, and is not polled; it holds ")
            );
        });
        pending::<()>().await;
    });
    poll(&mut blocker);
    not_proved();
}

#[test]
fn a_task_that_waits_for_a_lock_whose_holder_waits_for_a_timer_is_no_deadlock() {
    let _main = main_lane();
    let (lock, timer, free): (_, Event, Event) = Default::default();
    let mut holder = task("holder", async {
        let _guard = lanes::lock_for("the lock", &lock, |_| ready(())).await;
        lanes::sleeping("a pause", timer.wait()).await;
    });
    let mut needy = task("needy", needs(&lock, &free));
    let mut joins = Box::pin(lanes::join_for("needy", pending::<()>()));
    poll(&mut holder);
    poll(&mut needy);
    assert!(joins.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(lanes_now().verdict(), Verdict::GoesOn);
    timer.comes();
    not_proved();
    // The same with a lock that `main` waits for between its polls: it still polls the holder.
    drop(needy);
    let mut own = Box::pin(needs(&lock, &free));
    assert!(own.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    not_proved();
}

#[test]
fn a_task_that_waits_for_a_lock_beside_the_holder_is_no_deadlock() {
    let _main = main_lane();
    let (lock, event, free): (_, Event, Event) = Default::default();
    let (lock, event, free) = (&lock, &event, &free);
    // As `join!` does it: one task polls both whenever it is polled.
    let mut both = task("both", async move {
        let (mut holder, mut needy) = (task("holder", holds(lock, event)), Box::pin(needs(lock, free)));
        poll_fn(|context| {
            let (_, _) = (holder.as_mut().poll(context), needy.as_mut().poll(context));
            Poll::<()>::Pending
        })
        .await;
    });
    poll(&mut both);
    not_proved();
    event.comes();
    not_proved();
}

#[test]
fn a_holder_that_is_woken_and_no_longer_polled_is_a_deadlock() {
    let _main = main_lane();
    let (lock, event, free): (_, Event, Event) = Default::default();
    let (lock, event, free) = (&lock, &event, &free);
    let mut server = task("server", async move {
        let mut write = task("write", holds(lock, event));
        let mut polled = false;
        // As `select!` does it: the first poll polls both, and the other future is ready.
        poll_fn(|context| {
            if !std::mem::replace(&mut polled, true) {
                assert!(write.as_mut().poll(context).is_pending());
            }
            Poll::Ready(())
        })
        .await;
        needs(lock, free).await;
    });
    poll(&mut server);
    // The server may still poll `write` when its event comes.
    not_proved();
    event.comes();
    // The server was not polled since.
    not_proved();
    poll(&mut server);
    assert_eq!(
        proved(),
        "deadlock: these lanes can never go on:\n  \
         server waits for the lock at HERE\n  \
         write waits for an event at HERE, was woken, and is not polled; it holds the lock since HERE\n\
         reason: a cycle: server waits for the lock at HERE, which write holds since HERE; \
         write goes on only when server polls it\n"
    );
}

#[test]
fn a_task_that_may_wait_for_more_than_it_says_is_no_deadlock() {
    let _main = main_lane();
    let (lock, free, timer): (_, Event, Event) = Default::default();
    let (lock, free, timer) = (&lock, &free, &timer);
    for is_marked in [true, false] {
        let mut own = task("own", async move {
            let _guard = lanes::lock_for("the lock", lock, |_| ready(())).await;
            let mut again = Box::pin(needs(lock, free));
            let mut limit: Task<'_> = match is_marked {
                true => Box::pin(lanes::sleeping("a limit", timer.wait())),
                false => Box::pin(timer.wait()),
            };
            poll_fn(|context| {
                let (_, _) = (limit.as_mut().poll(context), again.as_mut().poll(context));
                Poll::<()>::Pending
            })
            .await;
        });
        poll(&mut own);
        not_proved();
        drop(own);
        timer.wakers.lock().unwrap().clear();
    }
    let mut own = task("own", async move {
        let _guard = lanes::lock_for("the lock", lock, |_| ready(())).await;
        needs(lock, free).await;
    });
    poll(&mut own);
    let reason = "reason: own waits for the lock at HERE, which it holds since HERE\n";
    assert!(proved().ends_with(reason), "{}", proved());
}

#[test]
fn a_spawned_task_whose_waker_is_lost_can_never_go_on() {
    let _main = main_lane();
    let event = Event::default();
    let mut stores = task("stores", lanes::wait_for("a letter", event.wait()));
    let mut loses = task("loses", lanes::wait_for("a letter", pending()));
    poll(&mut stores);
    poll(&mut loses);
    // It might not be spawned: then the future that polls it may do so again.
    not_proved();
    let mut joins =
        [lanes::join_for("stores", pending::<()>()), lanes::join_for("loses", pending::<()>())].map(Box::pin);
    for join in &mut joins {
        assert!(join.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(
        proved(),
        "deadlock: these lanes can never go on:\n  \
         loses waits for a letter at HERE, and nothing can wake it: no copy of its waker is left\n\
         reason: loses waits for a letter at HERE, and nothing can wake it: no copy of its waker is left\n"
    );
    drop(loses);
    not_proved();
    event.comes();
    not_proved();
}

#[test]
fn a_task_without_a_waker_may_be_polled_beside_another_future() {
    let _main = main_lane();
    let timer = Event::default();
    let mut loses = task("loses", pending());
    let mut both = task("both", async {
        let mut timer = Box::pin(timer.wait());
        poll_fn(|context| {
            let (_, _) = (timer.as_mut().poll(context), loses.as_mut().poll(context));
            Poll::<()>::Pending
        })
        .await;
    });
    poll(&mut both);
    not_proved();
}

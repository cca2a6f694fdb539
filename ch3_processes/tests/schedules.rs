//! The bell, the barrier and the semaphore under thousands of schedules: their sources, compiled with shuttle's atomics and
//! a futex of shuttle's in place of the system's. A sleep here has no limit, so a ring that is lost is a standstill.

mod common;
#[path = "../../ch1_parallel/tests/schedules/mod.rs"]
mod schedules;

#[path = "../src/barrier.rs"]
#[allow(dead_code, unused_imports, reason = "the rest is for other processes, and for their own tests")]
mod barrier;
#[path = "../src/bell.rs"]
#[allow(dead_code, unused_imports, reason = "the rest is for other processes, and for their own tests")]
mod bell;
#[path = "../src/semaphore.rs"]
#[allow(dead_code, unused_imports, reason = "the rest is for other processes, and for their own tests")]
mod semaphore;

/// In place of `src/sync.rs`.
mod sync {
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::Duration;

    pub use shuttle::sync::atomic::{AtomicU32, fence};
    use shuttle::sync::{Condvar, Mutex};
    pub use shuttle::thread::yield_now;

    /// Nobody looks before sleeping, which would only make the schedules longer.
    pub fn cores() -> usize {
        0
    }

    #[derive(Default)]
    struct Sleepers {
        next: u64,
        /// Where each sleeps, and its number.
        asleep: Vec<(usize, u64)>,
    }

    shuttle::lazy_static! {
        static ref SLEEPERS: (Mutex<Sleepers>, Condvar) = <_>::default();
    }

    fn place(word: &AtomicU32) -> usize {
        std::ptr::from_ref(word).addr()
    }

    pub fn sleep(word: &AtomicU32, value: u32, _no_limit: Duration) {
        let mut sleepers = SLEEPERS.0.lock().unwrap();
        if word.load(SeqCst) != value {
            return;
        }
        let this = (place(word), sleepers.next);
        sleepers.next += 1;
        sleepers.asleep.push(this);
        while sleepers.asleep.contains(&this) {
            sleepers = SLEEPERS.1.wait(sleepers).unwrap();
        }
    }

    pub fn wake(word: &AtomicU32, most: u32) {
        let mut woken = 0;
        SLEEPERS.0.lock().unwrap().asleep.retain(|&(at, _)| {
            let wake = at == place(word) && woken < most;
            woken += u32::from(wake);
            !wake
        });
        SLEEPERS.1.notify_all();
    }
}

/// In place of `src/memory.rs`: memory of one process.
mod memory {
    use std::io;
    use std::ops::Deref;
    use std::sync::Arc;

    use serde::{Deserialize, Serialize};

    /// # Safety
    /// None is needed here.
    pub unsafe trait Atomic: Sync {}

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(bound = "")]
    pub struct SharedAtomics<A> {
        #[serde(skip)]
        all: Arc<Vec<A>>,
    }

    impl<A> Clone for SharedAtomics<A> {
        fn clone(&self) -> Self {
            Self { all: Arc::clone(&self.all) }
        }
    }

    impl<A: Default> SharedAtomics<A> {
        pub fn new(count: usize) -> io::Result<Self> {
            Ok(Self { all: Arc::new((0..count).map(|_| A::default()).collect()) })
        }
    }

    impl<A> Deref for SharedAtomics<A> {
        type Target = [A];

        fn deref(&self) -> &[A] {
            &self.all
        }
    }
}

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use barrier::{Aborted, Barrier};
use bell::Bell;
use common::harness::run_trials;
use schedules::{explore, failure};
use semaphore::Semaphore;
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread;

// No test harness of rustc's: it would compile the sources' own tests too, which want the system's futex.
fn main() -> ExitCode {
    run_trials(trials![
        no_ring_after_a_change_is_lost
        a_ring_before_the_change_is
        a_barrier_holds_all_until_the_last
        an_abort_frees_all
        a_semaphore_lets_in_so_many
        every_signal_ends_one_wait
    ])
}

/// So many threads at once, joined.
fn threads<T: Send + 'static>(count: usize, act: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let act = Arc::new(act);
    let start = |number| {
        let act = Arc::clone(&act);
        thread::spawn(move || act(number))
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    threads.into_iter().map(|thread| thread.join().expect("it ends well")).collect()
}

/// One who waits for a change, and one who makes it and rings, in this order or the other.
fn change_and_ring(changes: bool) {
    let (value, bell) = (AtomicU64::new(0), Bell::default());
    threads(2, move |number| match number {
        0 => bell.wait(0, None, || (value.load(SeqCst) == 1).then_some(()), || false).expect("it is never over"),
        _ if changes => {
            value.store(1, SeqCst);
            bell.ring();
        }
        _ => {
            bell.ring();
            value.store(1, SeqCst);
        }
    });
}

fn no_ring_after_a_change_is_lost() {
    explore(|| change_and_ring(true));
}

fn a_ring_before_the_change_is() {
    assert!(failure(|| change_and_ring(false)).contains("deadlock"));
}

fn a_barrier_holds_all_until_the_last() {
    explore(|| {
        const PARTIES: usize = 3;
        let (barrier, came) = (Barrier::new(PARTIES).unwrap(), AtomicUsize::new(0));
        let lasts = threads(PARTIES, move |_| {
            let mut lasts = 0;
            for round in 1..=2 {
                came.fetch_add(1, SeqCst);
                lasts += usize::from(barrier.wait().unwrap());
                assert!(came.load(SeqCst) >= round * PARTIES, "one has not come yet");
            }
            lasts
        });
        assert_eq!(lasts.iter().sum::<usize>(), 2, "one in each round is the last");
    });
}

fn an_abort_frees_all() {
    explore(|| {
        let barrier = Barrier::new(4).unwrap();
        let waited = threads(4, move |number| {
            if number == 3 {
                barrier.abort();
                return Err(Aborted);
            }
            barrier.wait()
        });
        assert!(waited.iter().all(|result| *result == Err(Aborted)));
    });
}

fn a_semaphore_lets_in_so_many() {
    explore(|| {
        let (semaphore, inside) = (Semaphore::new(2).unwrap(), AtomicUsize::new(0));
        threads(4, move |_| {
            let _permit = semaphore.acquire();
            assert!(inside.fetch_add(1, SeqCst) < 2, "one too many is inside");
            thread::yield_now();
            inside.fetch_sub(1, SeqCst);
        });
    });
}

fn every_signal_ends_one_wait() {
    explore(|| {
        let semaphore = Semaphore::new(0).unwrap();
        threads(6, move |number| match number % 2 {
            0 => semaphore.release(),
            _ => semaphore.acquire().forget(),
        });
    });
}

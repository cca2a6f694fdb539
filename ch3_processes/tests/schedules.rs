//! The bell, the barrier and the semaphore under thousands of schedules. The feature `model` puts the checker's atomics and
//! futex in place of the system's. A sleep there has no limit, so a wake-up that is lost is a standstill.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use ch3_processes::barrier::Aborted;
use ch3_processes::machinery::bell::Bell;
use ch3_processes::{Barrier, Semaphore};
use course::testing::schedules::{explore, failure};
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread;

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

#[test]
fn no_ring_after_a_change_is_lost() {
    explore(|| change_and_ring(true));
}

#[test]
fn a_ring_before_the_change_is() {
    assert!(failure(|| change_and_ring(false)).contains("deadlock"));
}

#[test]
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

#[test]
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

#[test]
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

#[test]
fn every_signal_ends_one_wait() {
    explore(|| {
        let semaphore = Semaphore::new(0).unwrap();
        threads(6, move |number| match number % 2 {
            0 => semaphore.release(),
            _ => semaphore.acquire().forget(),
        });
    });
}

//! The bell, the barrier and the semaphore under thousands of schedules. The feature `model` replaces the system's atomics and futex
//! by the checker's. A sleep there has no limit, so a lost wake-up is a deadlock.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use ch3_processes::barrier::Aborted;
use ch3_processes::bell::Bell;
use ch3_processes::{Barrier, Semaphore};
use course::testing::schedules::{explore, failure};
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread;

/// Runs `act` in `count` threads at once and returns their results.
fn threads<T: Send + 'static>(count: usize, act: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let act = Arc::new(act);
    let start = |number| {
        let act = Arc::clone(&act);
        thread::spawn(move || act(number))
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    threads.into_iter().map(|thread| thread.join().expect("the thread does not panic")).collect()
}

/// A thread waits for a change. Another makes the change and rings the bell, or rings before it makes the change.
fn change_and_ring(change_first: bool) {
    let (value, bell) = (AtomicU64::new(0), Bell::default());
    threads(2, move |number| match number {
        0 => bell
            .wait(0, None, || (value.load(SeqCst) == 1).then_some(()), || false)
            .expect("the wait ends only with the change"),
        _ if change_first => {
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
fn a_ring_after_the_change_is_never_lost() {
    explore(|| change_and_ring(true));
}

#[test]
fn a_ring_before_the_change_can_be_lost() {
    assert!(failure(|| change_and_ring(false)).contains("deadlock"));
}

#[test]
fn a_barrier_blocks_all_parties_until_the_last() {
    explore(|| {
        const PARTIES: usize = 3;
        let (barrier, arrived) = (Barrier::new(PARTIES).unwrap(), AtomicUsize::new(0));
        let lasts = threads(PARTIES, move |_| {
            let mut lasts = 0;
            for round in 1..=2 {
                arrived.fetch_add(1, SeqCst);
                lasts += usize::from(barrier.wait().unwrap());
                assert!(arrived.load(SeqCst) >= round * PARTIES, "a party has not arrived");
            }
            lasts
        });
        assert_eq!(lasts.iter().sum::<usize>(), 2, "one party is the last in each round");
    });
}

#[test]
fn an_abort_ends_all_waits() {
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
fn no_more_threads_have_a_permit_than_there_are_permits() {
    explore(|| {
        let (semaphore, inside) = (Semaphore::new(2).unwrap(), AtomicUsize::new(0));
        threads(4, move |_| {
            let _permit = semaphore.acquire();
            assert!(inside.fetch_add(1, SeqCst) < 2, "three threads have one of two permits");
            thread::yield_now();
            inside.fetch_sub(1, SeqCst);
        });
    });
}

#[test]
fn every_release_ends_one_wait() {
    explore(|| {
        let semaphore = Semaphore::new(0).unwrap();
        threads(6, move |number| match number % 2 {
            0 => semaphore.release(),
            _ => semaphore.acquire().forget(),
        });
    });
}

//! The semaphore under thousands of schedules.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ch1_parallel::Semaphore;
use course::model::{Condvar, Mutex};
use course::testing::schedules::{explore, failure};
use shuttle::thread;

/// Spawns `count` threads, which run at the same time, and joins them.
fn threads(count: usize, act: impl Fn(usize) + Send + Sync + 'static) {
    let act = Arc::new(act);
    let start = |number| {
        let act = Arc::clone(&act);
        thread::spawn(move || act(number))
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("the thread does not panic"));
}

#[test]
fn no_more_threads_are_inside_than_there_are_permits() {
    for permits in 1..=2 {
        explore(move || {
            let (semaphore, inside) = (Semaphore::new(permits), AtomicUsize::new(0));
            let served = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&served);
            threads(4, move |_| {
                let _permit = semaphore.acquire();
                assert!(inside.fetch_add(1, SeqCst) < permits, "more threads are inside than there are permits");
                thread::yield_now();
                inside.fetch_sub(1, SeqCst);
                count.fetch_add(1, SeqCst);
            });
            assert_eq!(served.load(SeqCst), 4);
        });
    }
}

#[test]
fn every_release_wakes_one_thread() {
    explore(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let shared = Arc::clone(&semaphore);
        threads(6, move |number| match number % 2 {
            0 => shared.release(),
            _ => shared.acquire().forget(),
        });
        assert!(semaphore.try_acquire().is_none(), "each permit has been consumed");
    });
}

#[test]
fn a_permit_from_try_acquire_is_released() {
    explore(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let shared = Arc::clone(&semaphore);
        threads(3, move |_| drop(shared.try_acquire()));
        assert!(semaphore.try_acquire().is_some(), "the permit is free again");
    });
}

/// A semaphore with a mistake: after its wait it does not look again whether there is a permit.
#[derive(Default)]
struct Hasty {
    permits: Mutex<usize>,
    one_more: Condvar,
}

impl Hasty {
    fn acquire(&self) {
        let mut permits = self.permits.lock();
        if *permits == 0 {
            self.one_more.wait(&mut permits);
        }
        *permits = permits.checked_sub(1).expect("another thread took the permit");
    }

    fn release(&self) {
        *self.permits.lock() += 1;
        self.one_more.notify_one();
    }
}

#[test]
fn the_checker_finds_a_wait_under_if() {
    let failed = failure(|| {
        let semaphore = Hasty::default();
        threads(4, move |number| match number % 2 {
            0 => semaphore.release(),
            _ => semaphore.acquire(),
        });
    });
    assert!(failed.contains("another thread took the permit"), "{failed}");
}

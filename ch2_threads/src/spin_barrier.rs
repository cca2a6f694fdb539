//! A barrier that spins for a moment before it sleeps.

use std::hint::spin_loop;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::thread::available_parallelism;

use parking_lot::{Condvar, Mutex};

/// Some tens of microseconds: about as long as it takes a thread to go to sleep and to be woken.
const SPINS: u32 = 2_000;

/// A barrier: blocks each thread until all threads have arrived.
///
/// With `std::sync::Barrier` every thread but the last sleeps at once, and to wake a thread takes longer than a short iteration.
/// At this barrier a thread first spins for a moment, as at OpenMP's barrier, provided that each thread has a core.
#[derive(Debug)]
pub struct SpinBarrier {
    parties: usize,
    spins: u32,
    /// The number of threads that have arrived since the barrier last opened.
    arrived: AtomicUsize,
    /// How many times the barrier has opened.
    generation: AtomicUsize,
    /// A thread holds this lock while it decides to sleep, and the last thread while it opens the barrier. It guards no data
    /// of its own: the threads that spin read `generation` without it, so that is an atomic.
    sleep: Mutex<()>,
    opened: Condvar,
}

/// How many times one of `threads` threads looks again before it sleeps: 0 if they do not have a core each.
#[must_use]
pub fn spins(threads: usize) -> u32 {
    let cores = available_parallelism().map_or(1, usize::from);
    if threads <= cores { SPINS } else { 0 }
}

impl SpinBarrier {
    /// A barrier for `parties` threads.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        Self::with_spins(parties, spins(parties))
    }

    fn with_spins(parties: usize, spins: u32) -> Self {
        let (arrived, generation) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { parties, spins, arrived, generation, sleep: Mutex::new(()), opened: Condvar::new() }
    }

    /// Blocks until all threads have arrived. Returns `true` in the last thread, and `false` in each of the other threads.
    pub fn wait(&self) -> bool {
        let generation = self.generation.load(Acquire);
        if self.arrived.fetch_add(1, AcqRel) + 1 == self.parties {
            // Before the generation changes: a thread that sees the new generation may arrive again at once.
            self.arrived.store(0, Relaxed);
            // Under the lock: otherwise a thread could read the old generation, miss this wake-up, and then go to sleep.
            let held = self.sleep.lock();
            self.generation.store(generation.wrapping_add(1), Release);
            drop(held);
            self.opened.notify_all();
            return true;
        }
        for _ in 0..self.spins {
            if self.generation.load(Acquire) != generation {
                return false;
            }
            spin_loop();
        }
        let mut held = self.sleep.lock();
        while self.generation.load(Acquire) == generation {
            self.opened.wait(&mut held);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn no_thread_leaves_before_all_threads_have_arrived() {
        const ROUNDS: usize = 1000;
        for (parties, spins) in [(1, 0), (2, SPINS), (2, 0), (3, 10), (8, 0)] {
            let barrier = SpinBarrier::with_spins(parties, spins);
            let (arrivals, lasts) = (AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..parties {
                    scope.spawn(|| {
                        for round in 1..=ROUNDS {
                            arrivals.fetch_add(1, Relaxed);
                            lasts.fetch_add(usize::from(barrier.wait()), Relaxed);
                            // Every thread has arrived in this round, and no thread can be more than one round ahead.
                            let arrivals = arrivals.load(Relaxed);
                            assert!(
                                (round * parties..=(round + 1) * parties).contains(&arrivals),
                                "{arrivals} arrivals in round {round}"
                            );
                        }
                    });
                }
            });
            assert_eq!(lasts.into_inner(), ROUNDS, "{parties} parties");
        }
    }
}

//! A barrier that spins for a moment before it sleeps.

use std::hint::spin_loop;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::thread::available_parallelism;

use parking_lot::{Condvar, Mutex};

/// Some tens of microseconds: about what it costs to sleep and to be woken.
const SPINS: u32 = 2_000;

/// Holds each of a number of threads until all have come.
///
/// `std::sync::Barrier` sends every thread but the last to sleep at once, and waking one takes longer than a short iteration.
/// This one looks again and again first, as OpenMP's does, if there is a core for each thread to do so.
#[derive(Debug)]
pub struct SpinBarrier {
    parties: usize,
    spins: u32,
    came: AtomicUsize,
    /// How often all have come.
    generation: AtomicUsize,
    sleeping: Mutex<()>,
    over: Condvar,
}

impl SpinBarrier {
    /// A barrier for so many threads.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::with_spins(parties, if parties <= cores { SPINS } else { 0 })
    }

    fn with_spins(parties: usize, spins: u32) -> Self {
        let (came, generation) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { parties, spins, came, generation, sleeping: Mutex::new(()), over: Condvar::new() }
    }

    /// Waits for the others. Exactly one of them is told that it was the last.
    pub fn wait(&self) -> bool {
        let generation = self.generation.load(Acquire);
        if self.came.fetch_add(1, AcqRel) + 1 == self.parties {
            // Before the generation: whoever sees the new one may come again at once.
            self.came.store(0, Relaxed);
            // Under the lock, or a thread could look, find the old generation, and sleep after it was woken.
            let held = self.sleeping.lock();
            self.generation.store(generation.wrapping_add(1), Release);
            drop(held);
            self.over.notify_all();
            return true;
        }
        for _ in 0..self.spins {
            if self.generation.load(Acquire) != generation {
                return false;
            }
            spin_loop();
        }
        let mut held = self.sleeping.lock();
        while self.generation.load(Acquire) == generation {
            self.over.wait(&mut held);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nobody_leaves_before_all_have_come() {
        const ROUNDS: usize = 1000;
        for (parties, spins) in [(1, 0), (2, SPINS), (2, 0), (3, 10), (8, 0)] {
            let barrier = SpinBarrier::with_spins(parties, spins);
            let (came, lasts) = (AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..parties {
                    scope.spawn(|| {
                        for round in 1..=ROUNDS {
                            came.fetch_add(1, Relaxed);
                            lasts.fetch_add(usize::from(barrier.wait()), Relaxed);
                            // All have come this often, and nobody can be more than one round ahead.
                            let came = came.load(Relaxed);
                            assert!(
                                (round * parties..=(round + 1) * parties).contains(&came),
                                "{came} in round {round}"
                            );
                        }
                    });
                }
            });
            assert_eq!(lasts.into_inner(), ROUNDS, "{parties} parties");
        }
    }
}

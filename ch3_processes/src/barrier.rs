//! A barrier between processes.
//!
//! `std::sync::Barrier` is for the threads of one process: it sleeps on an address that means something there only.
//! This one lies in [shared memory](crate::shared) and sleeps on a futex that the system finds by the memory's place in
//! the machine. It can also be [aborted](Barrier::abort), since a process can be killed and then never comes.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};

use serde::{Deserialize, Serialize};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::memory::Atomic;
use crate::machinery::primitive::{AtomicU32, SharedAtomics};

/// Holds each of a number of processes or threads until all have come. A clone is the same barrier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Barrier {
    state: SharedAtomics<State>,
    parties: u32,
}

/// A barrier was aborted: someone who was expected will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was aborted")
    }
}

impl std::error::Error for Aborted {}

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct State {
    /// How many have come since the last time that all had.
    arrived: AtomicU32,
    /// How often all have come, times two; odd once aborted.
    generation: AtomicU32,
    /// Rings when that has changed.
    bell: Bell,
}

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for State {}

const ABORTED: u32 = 1;

impl Barrier {
    /// A barrier for so many.
    ///
    /// # Errors
    /// The system gave no memory, or nobody is to come.
    pub fn new(parties: usize) -> io::Result<Self> {
        match u32::try_from(parties) {
            Ok(parties @ 1..) => Ok(Self { state: SharedAtomics::new(1)?, parties }),
            _ => Err(io::Error::other(format!("a barrier for {parties}"))),
        }
    }

    /// Waits until all have come. Returns whether this was the last one; exactly one is.
    ///
    /// What any of them wrote to shared memory before, all see after.
    ///
    /// # Errors
    /// The barrier is or becomes aborted.
    pub fn wait(&self) -> Result<bool, Aborted> {
        self.state[0].wait(self.parties, spins(self.parties as usize))
    }

    /// Gives all who wait, and all who come later, an error.
    pub fn abort(&self) {
        self.state[0].abort();
    }
}

impl State {
    fn wait(&self, parties: u32, spins: u32) -> Result<bool, Aborted> {
        let generation = self.generation.load(Acquire);
        if generation & ABORTED != 0 {
            return Err(Aborted);
        }
        // Each arrival acquires what those before it released, so the last one has seen what all wrote.
        if self.arrived.fetch_add(1, AcqRel) + 1 == parties {
            // Nobody comes again before the generation changes.
            self.arrived.store(0, Relaxed);
            let next = generation.wrapping_add(2);
            // It can only fail because of an abort.
            self.generation.compare_exchange(generation, next, SeqCst, Relaxed).map_err(|_| Aborted)?;
            self.bell.ring_all();
            return Ok(true);
        }
        let changed = || {
            let now = self.generation.load(Acquire);
            (now != generation).then_some(now)
        };
        let now = self.bell.wait(spins, None, changed, || false).unwrap_or(generation);
        // Aborted in this generation. If it was aborted in the next one, all had come to this one.
        if now == generation | ABORTED { Err(Aborted) } else { Ok(false) }
    }

    fn abort(&self) {
        self.generation.fetch_or(ABORTED, SeqCst);
        self.bell.ring_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Runs `act` in so many threads at once and returns their results.
    fn threads<T: Send + 'static>(count: u32, act: impl Fn() -> T + Send + Sync + 'static) -> Vec<T> {
        let (act, (sender, results)) = (Arc::new(act), mpsc::channel());
        for _ in 0..count {
            let (act, sender) = (act.clone(), sender.clone());
            thread::spawn(move || sender.send(act()));
        }
        (0..count).map(|_| results.recv_timeout(LIMIT).expect("a thread hangs or has panicked")).collect()
    }

    #[test]
    fn nobody_is_ahead_and_one_is_last() {
        for (parties, spins) in [(1, 0), (2, 0), (2, 1000), (5, 0), (5, 1000)] {
            const ROUNDS: usize = 2000;
            let (state, came) = (State::default(), AtomicUsize::new(0));
            let lasts = threads(parties, move || {
                let mut lasts = 0;
                for round in 1..=ROUNDS {
                    came.fetch_add(1, Relaxed);
                    lasts += usize::from(state.wait(parties, spins).unwrap());
                    let came = came.load(Relaxed);
                    assert!((round * parties as usize..=(round + 1) * parties as usize).contains(&came));
                }
                lasts
            });
            assert_eq!(lasts.iter().sum::<usize>(), ROUNDS, "{parties} parties");
        }
    }

    #[test]
    fn the_generation_may_wrap() {
        let state = State { generation: AtomicU32::new(u32::MAX - 3), ..State::default() };
        let last = threads(2, move || (0..4).map(|_| state.wait(2, 0).unwrap()).collect::<Vec<_>>());
        assert!(last[0].iter().zip(&last[1]).all(|(one, other)| one != other));
    }

    #[test]
    fn an_abort_frees_those_who_wait_and_those_who_come() {
        let state = Arc::new(State::default());
        let (sender, result) = mpsc::channel();
        let waiting = state.clone();
        thread::spawn(move || sender.send(waiting.wait(2, 0)));
        while !state.bell.has_sleepers() {
            assert!(result.try_recv().is_err(), "nobody has come");
            thread::yield_now();
        }
        state.abort();
        assert_eq!(result.recv_timeout(LIMIT), Ok(Err(Aborted)));
        assert_eq!(state.wait(2, 1000), Err(Aborted));
        assert_eq!(state.wait(1, 1000), Err(Aborted));
    }

    #[test]
    fn a_barrier_for_nobody_is_an_error() {
        assert!(Barrier::new(0).is_err());
    }
}

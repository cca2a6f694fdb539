//! A barrier between processes.
//!
//! `std::sync::Barrier` is for the threads of one process: they sleep on an address that has a meaning in that process
//! only. This barrier lies in [shared memory](crate::shared), and its threads sleep on a futex, which the system finds
//! by the physical place of the memory. It can also be [aborted](Barrier::abort), since a process that is killed never
//! reaches the barrier. In Python the other processes then wait for ever.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};

use serde::{Deserialize, Serialize};

use crate::machinery::bell::{Bell, spins};
use crate::machinery::memory::Atomic;
use crate::machinery::primitive::{AtomicU32, SharedAtomics};

/// Blocks each of a number of processes or threads, the parties, until all of them have reached the barrier. A clone is the same
/// barrier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Barrier {
    state: SharedAtomics<State>,
    parties: u32,
}

/// The barrier was aborted: one of the parties will not reach it.
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
    /// How many parties have reached the barrier in this generation.
    arrived: AtomicU32,
    /// How many times all parties have reached the barrier, times two. Odd after an abort.
    generation: AtomicU32,
    /// Rings when the generation has changed.
    bell: Bell,
}

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for State {}

const ABORTED: u32 = 1;

impl Barrier {
    /// A barrier for this number of parties.
    ///
    /// # Errors
    /// The system gave no memory, or the number is 0 or too large.
    pub fn new(parties: usize) -> io::Result<Self> {
        match u32::try_from(parties) {
            Ok(parties @ 1..) => Ok(Self { state: SharedAtomics::new(1)?, parties }),
            _ => Err(io::Error::other(format!("a barrier for {parties} parties"))),
        }
    }

    /// Blocks until all parties have reached the barrier. Returns whether this party was the last, which is true for exactly one.
    ///
    /// What any party wrote to shared memory before the barrier, all parties see after it.
    ///
    /// # Errors
    /// The barrier was aborted before or during the wait.
    pub fn wait(&self) -> Result<bool, Aborted> {
        self.state[0].wait(self.parties, spins(self.parties as usize))
    }

    /// Gives an error to all parties that wait, and to all that reach the barrier later.
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
        // Each arrival acquires what the earlier arrivals released, so the last party has seen what all parties wrote.
        if self.arrived.fetch_add(1, AcqRel) + 1 == parties {
            // No party arrives again before the generation changes.
            self.arrived.store(0, Relaxed);
            let next = generation.wrapping_add(2);
            // The call fails only after an abort.
            self.generation.compare_exchange(generation, next, SeqCst, Relaxed).map_err(|_| Aborted)?;
            self.bell.ring_all();
            return Ok(true);
        }
        let changed = || {
            let now = self.generation.load(Acquire);
            (now != generation).then_some(now)
        };
        let now = self.bell.wait(spins, None, changed, || false).unwrap_or(generation);
        // Only an abort in this generation is an error. If the barrier was aborted in the next generation, all parties
        // had reached the barrier in this one.
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

    /// Runs `act` in `count` threads at once and returns their results.
    fn threads<T: Send + 'static>(count: u32, act: impl Fn() -> T + Send + Sync + 'static) -> Vec<T> {
        let (act, (sender, results)) = (Arc::new(act), mpsc::channel());
        for _ in 0..count {
            let (act, sender) = (act.clone(), sender.clone());
            thread::spawn(move || sender.send(act()));
        }
        (0..count).map(|_| results.recv_timeout(LIMIT).expect("a thread hangs or has panicked")).collect()
    }

    #[test]
    fn no_party_is_ahead_and_one_is_the_last() {
        for (parties, spins) in [(1, 0), (2, 0), (2, 1000), (5, 0), (5, 1000)] {
            const ROUNDS: usize = 2000;
            let (state, arrived) = (State::default(), AtomicUsize::new(0));
            let lasts = threads(parties, move || {
                let mut lasts = 0;
                for round in 1..=ROUNDS {
                    arrived.fetch_add(1, Relaxed);
                    lasts += usize::from(state.wait(parties, spins).unwrap());
                    let arrived = arrived.load(Relaxed);
                    assert!((round * parties as usize..=(round + 1) * parties as usize).contains(&arrived));
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
    fn an_abort_ends_the_wait_of_those_that_wait_and_those_that_arrive_later() {
        let state = Arc::new(State::default());
        let (sender, result) = mpsc::channel();
        let waiting = state.clone();
        thread::spawn(move || sender.send(waiting.wait(2, 0)));
        while !state.bell.has_sleepers() {
            assert!(result.try_recv().is_err(), "it waits");
            thread::yield_now();
        }
        state.abort();
        assert_eq!(result.recv_timeout(LIMIT), Ok(Err(Aborted)));
        assert_eq!(state.wait(2, 1000), Err(Aborted));
        assert_eq!(state.wait(1, 1000), Err(Aborted));
    }

    #[test]
    fn a_barrier_for_no_party_is_an_error() {
        assert!(Barrier::new(0).is_err());
    }
}

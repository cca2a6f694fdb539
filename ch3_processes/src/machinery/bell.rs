//! Sleeping until another process has changed something in shared memory.

use std::hint::spin_loop;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use crate::machinery::memory::Atomic;
use crate::machinery::primitive::{AtomicU32, cores, fence, sleep, wake, yield_now};

/// A thread that waits for a change in shared memory sleeps at a bell. A thread that makes the change rings the bell. A
/// bell takes one cache line.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct Bell {
    rings: AtomicU32,
    /// How many threads sleep, or are about to. A thread that is killed stays counted for ever. Each ring then
    /// costs a system call.
    sleepers: AtomicU32,
}

// SAFETY: atomic integers and unused bytes.
unsafe impl Atomic for Bell {}

/// How long a thread sleeps at most before it looks again. A process that is killed does not ring, and a process that is killed
/// after it was woken does not pass the ring on: so no thread may rely on being woken.
pub const LOOK_AROUND: Duration = Duration::from_millis(50);

/// How many times a thread looks before it sleeps. That takes some 50 µs, as long as it takes to sleep and be woken.
const SPINS: u32 = 2000;

/// After this number of looks, some 2 µs, the thread offers its core to other threads.
const LOOKS_BEFORE_YIELD: u32 = 100;

/// How many times a thread should look before it sleeps if `parties` threads work together. 0 if there are fewer cores
/// than parties: a thread that looks would take the core from the thread that makes the change.
pub fn spins(parties: usize) -> u32 {
    static CORES: OnceLock<usize> = OnceLock::new();
    if *CORES.get_or_init(cores) >= parties { SPINS } else { 0 }
}

impl Bell {
    /// Wakes one thread that sleeps. To be called after the change.
    pub fn ring(&self) {
        self.wake(1);
    }

    /// Wakes all threads that sleep. To be called after the change.
    pub fn ring_all(&self) {
        self.wake(i32::MAX as u32);
    }

    fn wake(&self, most: u32) {
        // This fence stands between the change and the look at the number of sleepers. In `wait` a fence stands between the change
        // of that number and the look for the change. So at least one of the two threads sees what the other did.
        fence(SeqCst);
        if self.sleepers.load(Relaxed) > 0 {
            self.rings.fetch_add(1, SeqCst);
            wake(&self.rings, most);
        }
    }

    #[cfg(test)]
    pub fn has_sleepers(&self) -> bool {
        self.sleepers.load(SeqCst) > 0
    }

    /// Waits until `look` returns a value. If `over` says that there will be no value any more, or after the deadline,
    /// it calls `look` once more, and returns what that call returns.
    pub fn wait<T>(
        &self,
        spins: u32,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<T>,
        mut over: impl FnMut() -> bool,
    ) -> Option<T> {
        for spin in 1..=spins {
            if let Some(found) = look() {
                return Some(found);
            }
            // The thread that makes the change may wait for this core.
            if spin % LOOKS_BEFORE_YIELD == 0 {
                yield_now();
            } else {
                spin_loop();
            }
        }
        loop {
            self.sleepers.fetch_add(1, SeqCst);
            let rings = self.rings.load(SeqCst);
            fence(SeqCst);
            let mut found = look();
            let mut ended = false;
            if found.is_none() {
                ended = over() || deadline.is_some_and(|deadline| deadline <= Instant::now());
                if ended {
                    found = look();
                } else {
                    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                    sleep(&self.rings, rings, left.unwrap_or(LOOK_AROUND).min(LOOK_AROUND));
                }
            }
            self.sleepers.fetch_sub(1, Relaxed);
            if found.is_some() || ended {
                return found;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::thread;
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn no_ring_is_lost() {
        for spins in [0, 100] {
            let state: Arc<(AtomicU64, Bell, Bell)> = Arc::default();
            let deadline = Some(Instant::now() + LIMIT);
            let turn = |bell: fn(&(AtomicU64, Bell, Bell)) -> (&Bell, &Bell), first: u64| {
                let state = state.clone();
                move || {
                    for round in 0..5000 {
                        let ready = || (state.0.load(SeqCst) == 2 * round + first).then_some(());
                        let start = Instant::now();
                        bell(&state).0.wait(spins, deadline, ready, || false).expect("it gets its turn");
                        assert!(start.elapsed() < LIMIT);
                        state.0.fetch_add(1, SeqCst);
                        bell(&state).1.ring();
                    }
                }
            };
            let start = Instant::now();
            let other = thread::spawn(turn(|state| (&state.1, &state.2), 0));
            turn(|state| (&state.2, &state.1), 1)();
            other.join().unwrap();
            // Each ring that is lost would cost `LOOK_AROUND`.
            assert!(start.elapsed() < LIMIT / 2);
        }
    }

    #[test]
    fn a_wait_ends_at_its_deadline_and_when_it_is_over() {
        let bell = Bell::default();
        let at = Instant::now() + Duration::from_millis(70);
        assert_eq!(bell.wait(5, Some(at), || None::<u8>, || false), None);
        assert!(Instant::now() >= at);
        let mut looks = 0;
        let last = bell.wait(
            0,
            None,
            || {
                looks += 1;
                (looks == 2).then_some("after the end")
            },
            || true,
        );
        assert_eq!(last, Some("after the end"));
    }
}

//! The clock that all processes of a machine share.
//!
//! [`std::time::Instant`] reads the same clock, but its value cannot be sent to another process.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment, in nanoseconds of the machine's monotonic clock (`CLOCK_MONOTONIC`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub u64);

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self::of(ClockId::Monotonic)
    }

    /// How long this thread has computed (`CLOCK_THREAD_CPUTIME_ID`).
    #[must_use]
    pub fn of_thread() -> Self {
        Self::of(ClockId::ThreadCPUTime)
    }

    fn of(clock: ClockId) -> Self {
        let time = clock_gettime(clock);
        Self(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }

    /// The time from an `earlier` moment to this one; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Names the clock that this process reads: two processes whose names are the same share a clock. Each machine has a clock of its
/// own, and so may a container.
#[must_use]
pub fn name() -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let machine = machine.unwrap_or_else(|_| rustix::system::uname().nodename().to_string_lossy().into_owned());
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    format!("{}/{}", machine.trim(), namespace.display())
}

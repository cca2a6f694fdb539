//! The basic prices of parallelism: what a worker, a message, a barrier and a lock cost on this machine.

use serde::{Deserialize, Serialize};

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A worker is started, does nothing, and its end is waited for
    StartAndEnd,
    /// A message of 8 bytes, one way
    ShortMessage,
    /// A message of 1 MiB, one way
    LongMessage,
    /// All workers meet at a barrier
    Barrier,
    /// A lock that no other worker wants is acquired and released
    FreeLock,
    /// A lock that all workers want is acquired and released
    ContendedLock,
}

/// What an operation costs in one way of doing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// The operation.
    pub operation: Operation,
    /// The way of doing it, for example `scoped thread`.
    pub way: String,
    /// How many workers took part.
    pub workers: usize,
    /// The seconds of one operation, one value for each round of the measurement.
    pub seconds: Vec<f64>,
}

//! Atomic numbers that processes share.

use std::io;
use std::sync::atomic::AtomicU64;

use serde::{Deserialize, Serialize};

use crate::machinery::memory::{Atomic, SharedAtomics};

/// Numbers with which processes count together. They start at zero. Each is in a cache line of its own.
///
/// A clone is the same counters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counters(SharedAtomics<Line>);

#[derive(Debug)]
#[repr(C, align(64))]
struct Line(AtomicU64);

// SAFETY: an atomic integer and unused bytes.
unsafe impl Atomic for Line {}

impl Counters {
    /// This number of counters.
    ///
    /// # Errors
    /// The system gave no memory.
    pub fn new(count: usize) -> io::Result<Self> {
        SharedAtomics::new(count).map(Self)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.memory.length()
    }
}

impl std::ops::Index<usize> for Counters {
    type Output = AtomicU64;

    fn index(&self, counter: usize) -> &AtomicU64 {
        &self.0[counter].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn counters_start_at_zero_in_lines_of_their_own() {
        let counters = Counters::new(3).unwrap();
        assert_eq!(counters[2].fetch_add(5, Relaxed), 0);
        assert_eq!(counters[2].load(Relaxed), 5);
        assert_eq!(&raw const counters[1] as usize - &raw const counters[0] as usize, 64);
    }
}

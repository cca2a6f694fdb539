//! What solves a problem: a strategy of this course or a program in another language.

use std::fmt;
use std::fs;

use ch1_parallel::kernels::{Kernel, Strategy};

use crate::peers::{self, Peer};

/// What solves a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// A strategy of this course
    Strategy(Strategy),
    /// A program in another language
    Peer(Peer),
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strategy(strategy) => strategy.fmt(f),
            Self::Peer(peer) => peer.fmt(f),
        }
    }
}

impl Solver {
    /// The serial solution in Rust, against which speed-ups are measured.
    pub const SERIAL: Self = Self::Strategy(Strategy::Serial);

    /// Its place in the table: the strategies first.
    pub(super) fn order(self) -> usize {
        match self {
            Self::Strategy(strategy) => strategy as usize,
            Self::Peer(peer) => 100 + peer as usize,
        }
    }

    /// Whether it uses several workers.
    #[must_use]
    pub fn is_parallel(self) -> bool {
        match self {
            Self::Strategy(strategy) => strategy != Strategy::Serial,
            Self::Peer(peer) => peer.is_parallel(),
        }
    }

    /// The lines of code of its source for a kernel, if it has a file of its own.
    #[must_use]
    pub fn lines(self, kernel: Kernel) -> Option<usize> {
        match self {
            Self::Strategy(strategy) => peers::lines_of(kernel, strategy),
            Self::Peer(peer) => fs::read_to_string(peer.source(kernel)).ok().map(|source| peers::lines(&source)),
        }
    }
}

//! From which size a strategy beats the serial solution.

use std::fmt;

use ch1_parallel::kernels::Kernel;

use super::{Row, Solver};
use crate::units::grouped;

/// What the interval of a speed-up says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Faster than the serial solution: the whole interval is above 1
    Pays,
    /// Slower than the serial solution: the whole interval is below 1
    Loses,
    /// The interval contains 1
    Open,
}

/// Where a strategy beats the serial solution of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossover {
    /// The kernel.
    pub kernel: Kernel,
    /// The strategy or the peer.
    pub solver: Solver,
    /// The sizes, the smallest first, and what was found at each.
    pub sizes: Vec<(usize, Verdict)>,
}

impl Crossover {
    /// Where every parallel solver crosses, as far as a serial time is known.
    #[must_use]
    pub fn all(rows: &[Row]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for row in rows.iter().filter(|row| row.solver.is_parallel()) {
            let Some(verdict) = row.verdict() else { continue };
            match all.iter_mut().find(|it| (it.kernel, it.solver) == (row.kernel, row.solver)) {
                Some(it) => it.sizes.push((row.size, verdict)),
                None => all.push(Self { kernel: row.kernel, solver: row.solver, sizes: vec![(row.size, verdict)] }),
            }
        }
        all
    }

    /// The size from which the solver is faster at every size that was measured; `None` if it is not faster at the largest.
    #[must_use]
    pub fn from(&self) -> Option<usize> {
        self.sizes.iter().rev().take_while(|(_, verdict)| *verdict == Verdict::Pays).last().map(|(size, _)| *size)
    }

    /// Whether the solver is slower, or not faster for certain, at every size.
    #[must_use]
    pub fn never_pays(&self) -> bool {
        self.sizes.iter().all(|(_, verdict)| *verdict != Verdict::Pays)
    }
}

impl fmt::Display for Crossover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = |wanted| {
            let sizes = self.sizes.iter().filter(|(_, verdict)| *verdict == wanted);
            sizes.map(|(size, _)| grouped(*size)).collect::<Vec<_>>().join(" and ")
        };
        let first = self.sizes.first().map(|(size, _)| *size);
        match (self.from(), self.sizes.last()) {
            (Some(_), _) if self.sizes.len() == 1 => write!(f, "pays at {}", sizes(Verdict::Pays)),
            (from @ Some(_), _) if from == first => write!(f, "pays at every size"),
            (Some(from), _) => write!(f, "pays from {}", grouped(from)),
            (None, Some((size, Verdict::Loses))) if self.sizes.len() == 1 => write!(f, "loses at {}", grouped(*size)),
            (None, Some((_, Verdict::Loses))) if self.never_pays() => write!(f, "pays for certain at no size"),
            (None, Some((last, Verdict::Loses))) => {
                write!(f, "pays at {} only, not at {}", sizes(Verdict::Pays), grouped(*last))
            }
            (None, Some((last, _))) => write!(f, "no verdict at {}", grouped(*last)),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ch1_parallel::kernels::Strategy;

    use super::*;

    fn words(verdicts: &[Verdict]) -> String {
        let sizes = verdicts.iter().enumerate().map(|(index, verdict)| (10 * (index + 1), *verdict)).collect();
        Crossover { kernel: Kernel::Count, solver: Solver::Strategy(Strategy::Threads), sizes }.to_string()
    }

    #[test]
    fn a_crossover_is_the_size_from_which_a_strategy_stays_ahead() {
        use Verdict::{Loses, Open, Pays};
        assert_eq!(words(&[Loses, Open, Pays, Pays]), "pays from 30");
        assert_eq!(words(&[Pays, Loses, Pays]), "pays from 30");
        assert_eq!(words(&[Pays, Pays]), "pays at every size");
        assert_eq!(words(&[Pays]), "pays at 10");
        assert_eq!(words(&[Loses]), "loses at 10");
        assert_eq!(words(&[Loses, Open, Loses]), "pays for certain at no size");
        assert_eq!(words(&[Loses, Pays, Loses]), "pays at 20 only, not at 30");
        assert_eq!(words(&[Loses, Pays, Open]), "no verdict at 30");
        assert_eq!(words(&[Open]), "no verdict at 10");
    }
}

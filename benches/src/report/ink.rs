//! How series are told apart: each strategy has one colour, one dash pattern and one shape of marker in all plots.
//!
//! A plot names a series by a class. The page's style gives the class its colour, for a light and a dark screen.

use ch1_parallel::kernels::Strategy;
use plotters::style::RGBColor;

use crate::compare::Solver;
use crate::peers::Peer;

/// What draws a part of a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text, axes
    Text,
    /// Lines behind the series
    Grid,
    /// A limit or a border that the plot is about
    Limit,
    /// A strategy, or what does the same in another language
    Of(Strategy),
}

impl Ink {
    /// All that a plot may use.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Grid,
        Self::Limit,
        Self::Of(Strategy::Serial),
        Self::Of(Strategy::Rayon),
        Self::Of(Strategy::Threads),
        Self::Of(Strategy::Processes),
        Self::Of(Strategy::Mpi),
        Self::Of(Strategy::Async),
    ];

    /// The class in the page.
    #[must_use]
    pub fn class(self) -> String {
        match self {
            Self::Text => "ink".into(),
            Self::Grid => "grid".into(),
            Self::Limit => "limit".into(),
            Self::Of(strategy) => format!("of-{strategy}"),
        }
    }

    /// A colour that only stands for the class until the plot is finished.
    #[must_use]
    pub fn colour(self) -> RGBColor {
        let index = Self::ALL.iter().position(|ink| *ink == self).unwrap_or(0);
        RGBColor(250, 0, index as u8)
    }

    /// The corners of its marker around (0, 0), in pixels.
    #[must_use]
    pub fn marker(self) -> Vec<(i32, i32)> {
        match self {
            Self::Of(Strategy::Rayon) => vec![(-4, 4), (0, -5), (4, 4)],
            Self::Of(Strategy::Threads) => vec![(-4, -4), (4, -4), (4, 4), (-4, 4)],
            Self::Of(Strategy::Processes) => vec![(0, -6), (6, 0), (0, 6), (-6, 0)],
            Self::Of(Strategy::Mpi) => vec![(-4, -4), (4, -4), (0, 5)],
            Self::Of(Strategy::Async) => {
                vec![
                    (-2, -6),
                    (2, -6),
                    (2, -2),
                    (6, -2),
                    (6, 2),
                    (2, 2),
                    (2, 6),
                    (-2, 6),
                    (-2, 2),
                    (-6, 2),
                    (-6, -2),
                    (-2, -2),
                ]
            }
            _ => vec![(-2, -4), (2, -4), (4, -2), (4, 2), (2, 4), (-2, 4), (-4, 2), (-4, -2)],
        }
    }
}

impl From<Solver> for Ink {
    /// A program in another language has the ink of the strategy that it resembles.
    fn from(solver: Solver) -> Self {
        Self::Of(match solver {
            Solver::Strategy(strategy) => strategy,
            Solver::Peer(Peer::C | Peer::NumPy) => Strategy::Serial,
            Solver::Peer(Peer::OpenMp) => Strategy::Threads,
            Solver::Peer(Peer::Multiprocessing) => Strategy::Processes,
            Solver::Peer(Peer::CMpi | Peer::Mpi4py) => Strategy::Mpi,
        })
    }
}

impl From<&str> for Ink {
    /// The ink of a way of doing something, by the words in its name.
    fn from(way: &str) -> Self {
        let way = way.to_lowercase();
        let words: [(Strategy, &[&str]); 6] = [
            (Strategy::Async, &["tokio", "async"]),
            (Strategy::Rayon, &["rayon"]),
            (Strategy::Mpi, &["mpi"]),
            (Strategy::Processes, &["process", "pipe", "shared memory", "pool"]),
            (Strategy::Threads, &["thread", "channel", "mutex", "lock", "barrier", "openmp"]),
            (Strategy::Serial, &["serial"]),
        ];
        let found = words.into_iter().find(|(_, words)| words.iter().any(|word| way.contains(word)));
        found.map_or(Self::Text, |(strategy, _)| Self::Of(strategy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inks_look_the_same() {
        for (index, ink) in Ink::ALL.iter().enumerate() {
            for other in &Ink::ALL[index + 1..] {
                assert_ne!((ink.class(), ink.colour()), (other.class(), other.colour()));
                if let (Ink::Of(_), Ink::Of(_)) = (ink, other) {
                    assert_ne!(ink.marker(), other.marker());
                }
            }
        }
    }

    #[test]
    fn ways_have_the_ink_of_their_strategy() {
        for (way, strategy) in [
            ("tokio task", Strategy::Async),
            ("scoped thread", Strategy::Threads),
            ("multiprocessing.Queue", Strategy::Processes),
            ("MPI launch", Strategy::Mpi),
            ("rayon task", Strategy::Rayon),
        ] {
            assert_eq!(Ink::from(way), Ink::Of(strategy), "{way}");
        }
    }
}

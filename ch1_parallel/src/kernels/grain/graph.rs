//! Graphs of tasks: which task needs the values of which tasks.

use std::iter::StepBy;
use std::ops::Range;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::kernels::Problem;

/// Which points of the step before a point depends on. The definitions are those of Task Bench. Points outside of the graph
/// are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
pub enum Pattern {
    /// The point itself and its two neighbours
    #[serde(rename = "stencil_1d")]
    #[value(name = "stencil_1d")]
    Stencil1d,
    /// The points at a distance of at most 2
    #[serde(rename = "nearest")]
    #[value(name = "nearest")]
    Nearest,
    /// The point itself and the two points at a distance that doubles with each step, and then begins with 1 again: the
    /// butterfly of the fast Fourier transform
    #[serde(rename = "fft")]
    #[value(name = "fft")]
    Fft,
    /// The parent: point p has the children 2p and 2p + 1. The graph begins with point 0, and the number of points doubles
    /// with each step until the width is reached
    #[serde(rename = "tree")]
    #[value(name = "tree")]
    Tree,
    /// All points
    #[serde(rename = "all_to_all")]
    #[value(name = "all_to_all")]
    AllToAll,
}

impl Pattern {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stencil1d => "stencil_1d",
            Self::Nearest => "nearest",
            Self::Fft => "fft",
            Self::Tree => "tree",
            Self::AllToAll => "all_to_all",
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Points of a step, in ascending order.
pub type Points = StepBy<Range<usize>>;

/// The tasks of an iteration: one for each step and point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Which tasks depend on which tasks.
    pub pattern: Pattern,
    /// The number of points of a step.
    pub width: usize,
    /// The number of steps.
    pub steps: usize,
}

impl Graph {
    /// The graph of a problem: a point for each worker, and `size` steps.
    #[must_use]
    pub fn of(problem: &Problem) -> Self {
        Self { pattern: problem.pattern, width: problem.workers, steps: problem.size }
    }

    /// How many points a step has: the width, or less in the first steps of a tree.
    #[must_use]
    pub fn points(&self, step: usize) -> usize {
        match self.pattern {
            Pattern::Tree if step < 32 => self.width.min(1 << step),
            _ => self.width,
        }
    }

    /// The points of the step before `step` on which a point of `step` depends.
    pub fn dependencies(&self, step: usize, point: usize) -> Points {
        if step == 0 || point >= self.points(step) {
            return points(0..0);
        }
        match self.pattern {
            Pattern::Stencil1d => self.around(point, 1, 1),
            Pattern::Nearest => self.around(point, 2, 1),
            Pattern::Fft => self.around(point, 1, 1 << ((step - 1) as u32 % self.rounds())),
            Pattern::Tree => points(point / 2..point / 2 + 1),
            Pattern::AllToAll => points(0..self.width),
        }
    }

    /// The points of the step after `step` that depend on a point of `step`.
    pub fn dependents(&self, step: usize, point: usize) -> Points {
        let next = step + 1;
        if next >= self.steps || point >= self.points(step) {
            return points(0..0);
        }
        match self.pattern {
            Pattern::Tree => {
                let end = self.points(next);
                points((2 * point).min(end)..(2 * point + 2).min(end))
            }
            // Each point depends on the points that depend on it.
            _ => self.dependencies(next, point),
        }
    }

    /// The number of tasks.
    #[must_use]
    pub fn tasks(&self) -> u64 {
        // From step 64 on, every step has as many points as the graph is wide.
        let first = self.steps.min(64);
        let begin: usize = (0..first).map(|step| self.points(step)).sum();
        begin as u64 + (self.steps - first) as u64 * self.width as u64
    }

    /// The number of values that tasks get from tasks of the step before.
    #[must_use]
    pub fn inputs(&self) -> u64 {
        // From step 64 on, the dependencies repeat with each round of an FFT.
        let of_step = |step: usize| -> u64 {
            (0..self.points(step)).map(|point| self.dependencies(step, point).len() as u64).sum()
        };
        let period = self.rounds() as usize;
        let first = self.steps.min(64);
        let (whole, rest) = ((self.steps - first) / period, (self.steps - first) % period);
        let sum = |steps: Range<usize>| steps.map(of_step).sum::<u64>();
        sum(0..first + rest) + whole as u64 * if whole > 0 { sum(64..64 + period) } else { 0 }
    }

    /// The number of steps after which the distances of an FFT repeat: the binary logarithm of the width, rounded up.
    fn rounds(&self) -> u32 {
        self.width.next_power_of_two().trailing_zeros().max(1)
    }

    /// The point, and up to `count` points on each side of it, `stride` apart.
    fn around(&self, point: usize, count: usize, stride: usize) -> Points {
        let before = if stride > point { 0 } else { count.min(point / stride) };
        let end = (point + count * stride + 1).min(self.width);
        (point - before * stride..end).step_by(stride)
    }
}

fn points(range: Range<usize>) -> Points {
    range.step_by(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(pattern: Pattern, width: usize, steps: usize) -> Graph {
        Graph { pattern, width, steps }
    }

    /// The dependencies of each point of a step.
    fn of_step(pattern: Pattern, width: usize, step: usize) -> Vec<Vec<usize>> {
        let graph = graph(pattern, width, 100);
        (0..graph.points(step)).map(|point| graph.dependencies(step, point).collect()).collect()
    }

    #[test]
    fn dependencies_of_eight_points_are_those_written_by_hand() {
        let stencil: [&[usize]; 8] =
            [&[0, 1], &[0, 1, 2], &[1, 2, 3], &[2, 3, 4], &[3, 4, 5], &[4, 5, 6], &[5, 6, 7], &[6, 7]];
        assert_eq!(of_step(Pattern::Stencil1d, 8, 5), stencil);
        let nearest: [&[usize]; 8] = [
            &[0, 1, 2],
            &[0, 1, 2, 3],
            &[0, 1, 2, 3, 4],
            &[1, 2, 3, 4, 5],
            &[2, 3, 4, 5, 6],
            &[3, 4, 5, 6, 7],
            &[4, 5, 6, 7],
            &[5, 6, 7],
        ];
        assert_eq!(of_step(Pattern::Nearest, 8, 1), nearest);
        let by_two: [&[usize]; 8] =
            [&[0, 2], &[1, 3], &[0, 2, 4], &[1, 3, 5], &[2, 4, 6], &[3, 5, 7], &[4, 6], &[5, 7]];
        let by_four: [&[usize]; 8] = [&[0, 4], &[1, 5], &[2, 6], &[3, 7], &[0, 4], &[1, 5], &[2, 6], &[3, 7]];
        for round in [0, 3, 30] {
            assert_eq!(of_step(Pattern::Fft, 8, round + 1), stencil);
            assert_eq!(of_step(Pattern::Fft, 8, round + 2), by_two);
            assert_eq!(of_step(Pattern::Fft, 8, round + 3), by_four);
        }
        assert_eq!(of_step(Pattern::Tree, 8, 1), [[0], [0]]);
        assert_eq!(of_step(Pattern::Tree, 8, 2), [[0], [0], [1], [1]]);
        for step in [3, 4, 99] {
            assert_eq!(of_step(Pattern::Tree, 8, step), [[0], [0], [1], [1], [2], [2], [3], [3]]);
        }
        assert_eq!(of_step(Pattern::AllToAll, 8, 1), vec![(0..8).collect::<Vec<_>>(); 8]);
    }

    #[test]
    fn graphs_of_any_width() {
        assert_eq!(of_step(Pattern::Fft, 5, 3), [vec![0, 4], vec![1], vec![2], vec![3], vec![0, 4]]);
        assert_eq!(of_step(Pattern::Tree, 5, 7), [[0], [0], [1], [1], [2]]);
        for &pattern in Pattern::value_variants() {
            assert_eq!(of_step(pattern, 1, 9), [[0]], "{pattern}");
            assert!(of_step(pattern, 7, 0).iter().all(Vec::is_empty), "{pattern}: step 0 depends on nothing");
        }
    }

    #[test]
    fn dependents_are_the_dependencies_seen_from_the_other_side() {
        for &pattern in Pattern::value_variants() {
            for width in (1..=17).chain([100]) {
                let graph = graph(pattern, width, 12);
                for step in 0..12 {
                    for point in 0..graph.points(step) {
                        let needs_it = |&next: &usize| graph.dependencies(step + 1, next).any(|input| input == point);
                        let right: Vec<_> =
                            (0..graph.points(step + 1)).filter(|next| step + 1 < 12 && needs_it(next)).collect();
                        assert_eq!(graph.dependents(step, point).collect::<Vec<_>>(), right, "{graph:?}");
                        assert!(graph.dependencies(step, point).all(|input| input < graph.points(step - 1)));
                    }
                }
            }
        }
    }

    #[test]
    fn sums_are_those_of_the_single_steps() {
        for &pattern in Pattern::value_variants() {
            for (width, steps) in [(1, 1), (3, 1), (2, 64), (5, 65), (8, 70), (100, 200), (9, 67)] {
                let graph = graph(pattern, width, steps);
                let all = |step| (0..graph.points(step)).map(move |point| (step, point));
                let all: Vec<_> = (0..steps).flat_map(all).collect();
                assert_eq!(graph.tasks(), all.len() as u64, "{graph:?}");
                let inputs: usize = all.iter().map(|&(step, point)| graph.dependencies(step, point).count()).sum();
                assert_eq!(graph.inputs(), inputs as u64, "{graph:?}");
            }
        }
    }

    #[test]
    fn names_are_those_of_the_command_line_and_of_reports() {
        for pattern in Pattern::value_variants() {
            assert_eq!(pattern.to_string(), pattern.to_possible_value().unwrap().get_name());
            assert_eq!(serde_json::to_string(pattern).unwrap(), format!("\"{pattern}\""));
        }
    }
}

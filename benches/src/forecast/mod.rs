//! The forecast: what more ranks will bring for a kernel that ranks solve by messages.
//!
//! [`parameters`] are measured by the program `loggp_mpi` ([`measure`]) or come from a file. [`model`] predicts an iteration from
//! them. [`Scaling`] predicts it for up to 1,024 ranks, [`plot`] draws that, and [`check`] compares predicted with measured times.

pub mod check;
pub mod measure;
pub mod model;
pub mod parameters;
pub mod plot;

use std::fmt;

use ch1_parallel::kernels::Kernel;
use serde::Serialize;

use crate::units::{duration, grouped, short};
use model::{Forecast, Layout, Question, forecast};
use parameters::Parameters;

/// The largest number of ranks in the tables.
pub const MOST_RANKS: usize = 1024;

/// The forecast for one number of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The number of ranks.
    pub ranks: usize,
    /// The number of nodes.
    pub nodes: usize,
    /// The size of the problem.
    pub size: usize,
    /// The predicted seconds of an iteration.
    pub seconds: f64,
    /// How many times as much work is done in a second as by one rank.
    pub speed_up: f64,
    /// The speed-up divided by the number of ranks.
    pub efficiency: f64,
    /// What takes the largest part of the time.
    pub limit: &'static str,
    /// The parts of the time.
    pub parts: Forecast,
}

/// Forecasts for more and more ranks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// The kernel.
    pub kernel: Kernel,
    /// The number of ranks on each node.
    pub ranks_per_node: usize,
    /// The number of ranks that was asked for.
    pub asked: Point,
    /// Strong scaling: the size stays.
    pub strong: Vec<Point>,
    /// Weak scaling: each rank has as much work as one rank has with the given size.
    pub weak: Vec<Point>,
}

impl Scaling {
    /// The forecasts for 1, 2, 4, ... 1,024 ranks, and for the number of ranks that is asked for.
    ///
    /// # Errors
    /// The parameters lack what the model needs.
    pub fn of(
        parameters: &Parameters,
        question: &Question,
        ranks: usize,
        ranks_per_node: usize,
    ) -> anyhow::Result<Self> {
        let predict = |ranks: usize, size: usize| -> anyhow::Result<(Forecast, usize)> {
            let layout = Layout::filled(ranks, ranks_per_node);
            Ok((forecast(parameters, &Question { size, ..*question }, &layout)?, layout.node_count()))
        };
        let one = predict(1, question.size)?.0.seconds();
        let work = |size: usize| match question.kernel {
            Kernel::Count => size as f64,
            _ => (size as f64).powi(2),
        };
        let point = |ranks: usize, size: usize| -> anyhow::Result<Point> {
            let (parts, nodes) = predict(ranks, size)?;
            let seconds = parts.seconds();
            let speed_up = one / seconds * work(size) / work(question.size);
            let efficiency = speed_up / ranks as f64;
            Ok(Point { ranks, nodes, size, seconds, speed_up, efficiency, limit: parts.limit(), parts })
        };
        let powers = || (0..=MOST_RANKS.ilog2()).map(|power| 1_usize << power);
        let strong = powers().map(|ranks| point(ranks, question.size)).collect::<anyhow::Result<_>>()?;
        let weak = powers().map(|ranks| point(ranks, weak_size(question, ranks))).collect::<anyhow::Result<_>>()?;
        Ok(Self { kernel: question.kernel, ranks_per_node, asked: point(ranks, question.size)?, strong, weak })
    }
}

/// The size at which each of these ranks has as much work as one rank has with the size of the question.
#[must_use]
pub fn weak_size(question: &Question, ranks: usize) -> usize {
    match question.kernel {
        Kernel::Count => question.size * ranks,
        _ => (question.size as f64 * (ranks as f64).sqrt()).round() as usize,
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Point { ranks, nodes, size, seconds, speed_up, efficiency, limit, parts } = self.asked;
        writeln!(f, "{} of size {size}, ranks: {}, nodes: {}", self.kernel, grouped(ranks), grouped(nodes))?;
        writeln!(
            f,
            "an iteration: {}; speed-up {} (efficiency {:.0} %); the largest part: {limit}",
            duration(seconds),
            short(speed_up),
            efficiency * 100.0
        )?;
        let parts = parts.parts().map(|(name, seconds)| format!("{name} {}", duration(seconds)));
        writeln!(f, "{}", parts.join(" + "))?;
        for (name, points) in
            [("strong scaling: the same size", &self.strong), ("weak scaling: the same work for each rank", &self.weak)]
        {
            write!(
                f,
                "\n{name}\n{:>6} {:>6} {:>9} {:>10} {:>9} {:>11}  ",
                "ranks", "nodes", "size", "iteration", "speed-up", "efficiency"
            )?;
            writeln!(
                f,
                "{:13} {:>5} {:>7} {:>7} {:>8} {:>10}",
                "limited by", "comp.", "uneven", "memory", "latency", "bandwidth"
            )?;
            for point in points {
                let Point { ranks, nodes, size, seconds, speed_up, efficiency, limit, parts } = point;
                let shares = parts.parts().map(|(_, part)| format!("{:.0} %", 100.0 * part / seconds.max(1e-300)));
                let [compute, uneven, memory, latency, bandwidth] = shares;
                let (time, efficiency) = (duration(*seconds), format!("{:.0} %", efficiency * 100.0));
                write!(f, "{ranks:>6} {nodes:>6} {size:>9} {time:>10} {:>9} {efficiency:>11}  ", short(*speed_up))?;
                writeln!(f, "{limit:13} {compute:>5} {uneven:>7} {memory:>7} {latency:>8} {bandwidth:>10}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::parameters::tests::parameters;
    use super::*;

    #[test]
    fn a_scaling_begins_with_one_rank_and_ends_with_1024() {
        for kernel in parameters::KERNELS {
            let question = Question { kernel, size: 2048, grain: 1000 };
            let scaling = Scaling::of(&parameters(), &question, 100, 2).unwrap();
            assert_eq!((scaling.asked.ranks, scaling.asked.nodes), (100, 50));
            for points in [&scaling.strong, &scaling.weak] {
                let ranks: Vec<_> = points.iter().map(|point| point.ranks).collect();
                assert_eq!(ranks, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]);
                assert!((points[0].speed_up - 1.0).abs() < 1e-9 && points[0].size == 2048);
            }
            assert!(scaling.strong.iter().all(|point| point.size == 2048));
            let (work, ranks) = (if kernel == Kernel::Count { 1024 } else { 32 }, scaling.weak.len());
            assert_eq!(scaling.weak[ranks - 1].size, 2048 * work);
            let text = scaling.to_string();
            assert!(text.contains("strong scaling") && text.contains("weak scaling"), "{text}");
        }
    }
}

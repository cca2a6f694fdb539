//! How fine tasks may be: the minimum effective task granularity, METG(50 %) (Slaughter et al., "Task Bench", SC20).

use serde::{Deserialize, Serialize};

/// The efficiency of a strategy at tasks of different lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The strategy.
    pub strategy: String,
    /// Which tasks of a step need the results of which tasks of the step before.
    pub pattern: String,
    /// The number of workers.
    pub workers: usize,
    /// The points, the longest tasks first.
    pub points: Vec<Point>,
    /// The time of a task, in seconds, at which the efficiency is 50 %; `None` without points on both sides.
    pub metg: Option<f64>,
}

/// A point of a [`Curve`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The number of turns of the loop in each task.
    pub grain: u64,
    /// The time of a task, in seconds: elapsed time times workers divided by tasks.
    pub task_seconds: f64,
    /// The rate of turns divided by the peak rate that was measured.
    pub efficiency: f64,
}

//! How fine tasks may be: the efficiency by the time of a task.

use super::{Section, percent, section};
use crate::metg::{Curve, distinct};
use crate::report::plot::{Line, Lines, Point};
use crate::report::table::{Cell, folded};
use crate::units::duration;

/// How fine tasks may be.
#[must_use]
pub fn grain(curves: &[Curve]) -> Option<Section> {
    let patterns = distinct(curves.iter().map(|curve| &curve.pattern));
    let metg = |curve: &Curve| curve.metg.map_or("-".into(), duration);
    let plot = |pattern: &&String| {
        let of_pattern: Vec<_> = curves.iter().filter(|curve| curve.pattern == **pattern).collect();
        let line = |curve: &&Curve| {
            let mut points: Vec<_> = curve
                .points
                .iter()
                .map(|point| Point { x: point.task_seconds * 1e6, y: point.efficiency, bounds: None })
                .collect();
            points.sort_by(|one, other| one.x.total_cmp(&other.x));
            Line { name: curve.strategy.clone(), ink: curve.strategy.as_str().into(), points }
        };
        let words = of_pattern.iter().map(|curve| format!("{} {}", curve.strategy, metg(curve))).collect::<Vec<_>>();
        let label = format!("Efficiency by the time of a task, pattern {pattern}. METG(50 %): {}", words.join("; "));
        let lines = of_pattern.iter().map(line).filter(|line| !line.points.is_empty()).collect();
        let (x, y) = ("time of a task, µs".into(), "efficiency".into());
        (pattern.to_string(), Lines { label, x, y, lines, limit: 0.5, percent: true }.svg())
    };
    let plots: Vec<_> = patterns.iter().map(plot).collect();
    let intro = "Each step has as many tasks as workers, and a task needs results of the step before. The shorter the \
                 tasks, the larger the part of the time that the strategy itself takes. METG(50 %) is the time of a task \
                 at which the efficiency crosses the line at 50 %: shorter tasks are not worth it. It is measured as in \
                 Task Bench (Slaughter et al., SC20).";
    let heads = ["pattern", "strategy", "workers", "loop steps", "time of a task", "efficiency", "METG(50 %)"];
    let cells = curves.iter().flat_map(|curve| {
        curve.points.iter().map(|point| {
            vec![
                Cell::words(&curve.pattern),
                Cell::words(&curve.strategy),
                Cell::number(curve.workers as f64, curve.workers),
                Cell::number(point.grain as f64, point.grain),
                Cell::number(point.task_seconds, duration(point.task_seconds)),
                Cell::number(point.efficiency, percent(point.efficiency)),
                Cell::maybe(curve.metg, duration),
            ]
        })
    });
    let numbers = folded("Efficiency by grain", &heads, &["pattern", "strategy"], &cells.collect::<Vec<_>>());
    section("grain", "How fine tasks may be", intro, &plots, &numbers)
}

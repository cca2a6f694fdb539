//! What each size of a problem gains: the speed-up and the efficiency of the strategies.

use ch1_parallel::kernels::Kernel;

use super::{Section, begin, kernels, note, percent, section, size_name};
use crate::compare::{Row, Solver};
use crate::report::ink::Ink;
use crate::report::plot::{Line, Lines, Point};
use crate::report::table::{Cell, folded};
use crate::units::{duration, grouped};

/// Speed-up by size.
#[must_use]
pub fn speedups(rows: &[Row]) -> Option<Section> {
    let plot = |kernel: Kernel| {
        let lines = lines(rows, kernel, |row| {
            let bounds = row.speedup_interval?;
            Some((row.speedup?, bounds.low, bounds.high))
        });
        let label = format!("Speed-up of {kernel} by size: {}", described(&lines, |y| format!("{y:.2}")));
        let (x, y) = (size_name(kernel).into(), "speed-up".into());
        let svg = (!lines.is_empty()).then(|| Lines { label, x, y, lines, limit: 1.0, percent: false }.svg())?;
        Some((kernel.to_string(), svg + &note(rows, kernel)))
    };
    let plots: Vec<_> = kernels().filter_map(plot).collect();
    let intro = "The speed-up is the serial time divided by the time of the strategy. At the line at 1 both are equally \
                 fast. A bar through a marker is the 95 % interval; where it contains 1, there is no verdict. The vertical \
                 axis is logarithmic where the values differ by more than a factor of 20.";
    section("speed-up", "Speed-up by size", intro, &plots, &all_numbers("Speed-up by size", rows))
}

/// Efficiency by size. Requests that wait have as many workers as requests, so their efficiency says nothing.
#[must_use]
pub fn efficiencies(rows: &[Row]) -> Option<Section> {
    let computing: Vec<Row> = rows.iter().filter(|row| row.kernel != Kernel::Waiting).cloned().collect();
    let plot = |kernel: Kernel| {
        let lines = lines(&computing, kernel, |row| {
            let (bounds, workers) = (row.speedup_interval?, row.workers as f64);
            Some((row.efficiency()?, bounds.low / workers, bounds.high / workers))
        });
        let label = format!("Efficiency of {kernel} by size: {}", described(&lines, percent));
        let (x, y) = (size_name(kernel).into(), "efficiency".into());
        let svg = (!lines.is_empty()).then(|| Lines { label, x, y, lines, limit: 1.0, percent: true }.svg())?;
        Some((kernel.to_string(), svg + &note(rows, kernel)))
    };
    let plots: Vec<_> = kernels().filter_map(plot).collect();
    let intro = "The efficiency is the speed-up divided by the number of workers. What exceeds 100 % is no error: two \
                 cores have two caches and two TLBs (tables of the addresses of memory pages), so data that is too large \
                 for those of one core may fit into those of two. All strategies alike ask the system for huge pages, \
                 which need fewer entries of a TLB, but the system may not give them.";
    let heads = ["kernel", "size", "strategy", "workers", "efficiency", "from", "to"];
    let cells = |row: &Row| {
        let of_worker = |speedup: f64| speedup / row.workers as f64;
        let bound = |value: Option<f64>| Cell::maybe(value.map(of_worker), percent);
        let mut cells = begin(row);
        cells.push(Cell::maybe(row.efficiency(), percent));
        cells.push(bound(row.speedup_interval.map(|bounds| bounds.low)));
        cells.push(bound(row.speedup_interval.map(|bounds| bounds.high)));
        cells
    };
    let shown = computing.iter().filter(|row| row.verdict().is_some()).map(cells).collect::<Vec<_>>();
    let numbers = folded("Efficiency by size", &heads, &["kernel", "strategy"], &shown);
    section("efficiency", "Efficiency", intro, &plots, &numbers)
}

/// The lines of a kernel: one for each parallel strategy, over the sizes at which the serial time is known.
fn lines(rows: &[Row], kernel: Kernel, value: impl Fn(&Row) -> Option<(f64, f64, f64)>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows.iter().filter(|row| row.kernel == kernel && row.verdict().is_some()) {
        let Solver::Strategy(strategy) = row.solver else { continue };
        let Some((y, low, high)) = value(row) else { continue };
        let point = Point { x: row.size as f64, y, bounds: Some((low, high)) };
        let name = strategy.to_string();
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name, ink: Ink::Of(strategy), points: vec![point] }),
        }
    }
    lines
}

fn described(lines: &[Line], value: impl Fn(f64) -> String) -> String {
    let ends = lines.iter().filter_map(|line| {
        let (first, last) = (line.points.first()?, line.points.last()?);
        let size = |x: f64| grouped(x as usize);
        Some(format!("{} {} at {} and {} at {}", line.name, value(first.y), size(first.x), value(last.y), size(last.x)))
    });
    ends.collect::<Vec<_>>().join("; ")
}

fn all_numbers(summary: &str, rows: &[Row]) -> String {
    let heads = [
        "kernel",
        "size",
        "strategy",
        "workers",
        "iteration",
        "spread",
        "rate",
        "unit",
        "speed-up",
        "from",
        "to",
        "remark",
    ];
    let cells = |row: &Row| {
        let mut cells = begin(row);
        cells.extend([
            Cell::number(row.seconds, duration(row.seconds)),
            Cell::number(row.spread(), format!("±{}", percent(row.spread()))),
            Cell::number(row.rate, format!("{:.0}", row.rate)),
            Cell::words(row.kernel.unit()),
            Cell::maybe(row.speedup, |speedup| format!("{speedup:.2}")),
            Cell::maybe(row.speedup_interval.map(|bounds| bounds.low), |low| format!("{low:.2}")),
            Cell::maybe(row.speedup_interval.map(|bounds| bounds.high), |high| format!("{high:.2}")),
            Cell::words(row.remark()),
        ]);
        cells
    };
    folded(summary, &heads, &["kernel", "strategy"], &rows.iter().map(cells).collect::<Vec<_>>())
}

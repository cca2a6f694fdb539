//! How much of the memory's bandwidth the kernels use.

use ch1_parallel::kernels::Kernel;

use super::{Section, begin, kernels, percent, section};
use crate::compare::Row;
use crate::report::axis::Axis;
use crate::report::plot::{Mark, MarkKind, Row as PlotRow, Rows};
use crate::report::table::{Cell, folded};
use crate::units::{grouped, short};

/// The bytes that each kernel moves in a second, against the bandwidth of the memory.
#[must_use]
pub fn roofline(rows: &[Row]) -> Option<Section> {
    let roof = bandwidths(rows, Kernel::Nstream).into_iter().map(|(_, rate, _)| rate).reduce(f64::max)?;
    let all: Vec<_> =
        kernels().map(|kernel| (kernel, bandwidths(rows, kernel))).filter(|(_, all)| !all.is_empty()).collect();
    let values = || all.iter().flat_map(|(_, rates)| rates).map(|(_, rate, _)| *rate).chain([roof]);
    let axis = Axis::linear(values().map(|rate| rate / 1e9));
    let plot = |(kernel, rates): &(Kernel, Vec<Bandwidth<'_>>)| {
        let plot_row = |(row, rate, (low, high)): &Bandwidth<'_>| PlotRow {
            name: row.solver.to_string(),
            note: format!("{:.1} GB/s, {}", rate / 1e9, percent(rate / roof)),
            ink: row.solver.into(),
            marks: vec![Mark { x: rate / 1e9, bounds: Some((low / 1e9, high / 1e9)), kind: MarkKind::Full }],
        };
        let plot_rows: Vec<_> = rates.iter().map(plot_row).collect();
        let words = plot_rows.iter().map(|row| format!("{} {}", row.name, row.note)).collect::<Vec<_>>().join("; ");
        let size = rates.first().map_or(0, |(row, ..)| row.size);
        let label = format!("Bytes that {kernel} moves in a second, and their part of the memory's bandwidth: {words}");
        let (x, limit) = ("GB/s".into(), Some(roof / 1e9));
        let svg = Rows { label, x, axis: axis.clone(), tick: short, rows: plot_rows, limit }.svg();
        (format!("{kernel} of size {}", grouped(size)), svg)
    };
    let plots: Vec<_> = all.iter().map(plot).collect();
    let intro = format!(
        "The line is the roof: {:.1} GB/s, the best rate of <code>nstream</code> at its largest size, which does little \
         but move data. The other kernels are at their largest sizes. Assumed traffic of an iteration: 32·N bytes for \
         <code>nstream</code> (one vector is read and written, two are read), 32·N² for <code>stencil</code> (one pass \
         reads and writes both grids; the rows around a point stay in the cache), 32·N² for <code>transpose</code> (both \
         matrices are read and written; its rate in the tables counts 16·N², as the Parallel Research Kernels do), 16·N² \
         for <code>pipeline</code> (the grid is read and written). A kernel whose data stays in the caches from one \
         iteration to the next can pass the roof.",
        roof / 1e9
    );
    let heads = ["kernel", "size", "strategy", "workers", "GB/s", "part of the roof"];
    let cells = |(row, rate, _): &Bandwidth<'_>| {
        let mut cells = begin(row);
        cells.push(Cell::number(rate / 1e9, format!("{:.2}", rate / 1e9)));
        cells.push(Cell::number(rate / roof, percent(rate / roof)));
        cells
    };
    let numbers: Vec<_> = all.iter().flat_map(|(_, rates)| rates).map(cells).collect();
    let numbers = folded("Roofline", &heads, &["kernel", "strategy"], &numbers);
    section("roofline", "How near to the memory's limit", &intro, &plots, &numbers)
}

/// The bytes that an iteration must move between the memory and the cores, if nothing stays in a cache from one iteration
/// to the next and each datum comes from the memory once in an iteration; `None` for kernels whose limit is not the memory.
#[must_use]
pub fn traffic(kernel: Kernel, size: usize) -> Option<f64> {
    let (vector, grid) = (8.0 * size as f64, 8.0 * (size as f64).powi(2));
    match kernel {
        // A is read and written, B and C are read.
        Kernel::Nstream => Some(4.0 * vector),
        // Both grids are read and written, in one pass.
        Kernel::Stencil => Some(4.0 * grid),
        // Both matrices are read and written.
        Kernel::Transpose => Some(4.0 * grid),
        // The grid is read and written.
        Kernel::Pipeline => Some(2.0 * grid),
        Kernel::Count | Kernel::DoSomething | Kernel::Waiting | Kernel::Grain => None,
    }
}

/// A row, its rate in bytes per second, and the bounds of that rate.
type Bandwidth<'row> = (&'row Row, f64, (f64, f64));

/// The rates of a kernel's rows at its largest size in bytes per second, with their bounds.
fn bandwidths(rows: &[Row], kernel: Kernel) -> Vec<Bandwidth<'_>> {
    let size = rows.iter().filter(|row| row.kernel == kernel).map(|row| row.size).max().unwrap_or(0);
    let at_size = rows.iter().filter(|row| row.kernel == kernel && row.size == size);
    let rate = |row| {
        let row: &Row = row;
        let bytes = traffic(kernel, size)?;
        Some((row, bytes / row.seconds, (bytes / row.interval.high, bytes / row.interval.low)))
    };
    at_size.filter_map(rate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traffic_is_that_of_the_definitions() {
        assert_eq!(traffic(Kernel::Nstream, 10), Some(320.0));
        assert_eq!(traffic(Kernel::Transpose, 10), Some(3200.0));
        assert_eq!(traffic(Kernel::Pipeline, 10), Some(1600.0));
        assert_eq!(traffic(Kernel::Count, 10), None);
    }
}

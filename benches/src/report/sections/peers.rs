//! The strategies beside the same kernels in C and Python.

use ch1_parallel::kernels::Kernel;

use super::{Section, begin, kernels, section};
use crate::compare::{Row, Solver};
use crate::peers;
use crate::report::axis::Axis;
use crate::report::plot::{Mark, MarkKind, Row as PlotRow, Rows};
use crate::report::table::{Cell, folded};
use crate::units::{grouped, short};

/// The strategies beside C and Python: the rate and the lines of code.
#[must_use]
pub fn beside_peers(rows: &[Row]) -> Option<Section> {
    let of_kernel = |kernel: Kernel| -> Vec<&Row> {
        let size = peers::size(kernel);
        rows.iter().filter(|row| row.kernel == kernel && Some(row.size) == size).collect()
    };
    let has_peer = |rows: &Vec<&Row>| rows.iter().any(|row| matches!(row.solver, Solver::Peer(_)));
    let all: Vec<_> = kernels().map(|kernel| (kernel, of_kernel(kernel))).filter(|(_, rows)| has_peer(rows)).collect();
    let lines = |row: &Row| row.solver.lines(row.kernel);
    let plot = |(kernel, rows): &(Kernel, Vec<&Row>)| {
        let work = kernel.work(rows[0].size);
        let plot_row = |row: &&Row| PlotRow {
            name: row.solver.to_string(),
            note: lines(row).map_or(short(row.rate), |lines| format!("{}, {lines} lines", short(row.rate))),
            ink: row.solver.into(),
            marks: vec![Mark {
                x: row.rate,
                bounds: Some((work / row.interval.high, work / row.interval.low)),
                kind: MarkKind::Full,
            }],
        };
        let plot_rows: Vec<_> = rows.iter().map(plot_row).collect();
        let words = plot_rows.iter().map(|row| format!("{} {}", row.name, row.note)).collect::<Vec<_>>().join("; ");
        let label = format!("Rate of {kernel} in {} and lines of code: {words}", kernel.unit());
        let axis = Axis::fit(rows.iter().map(|row| row.rate).collect::<Vec<_>>());
        let svg = Rows { label, x: kernel.unit().into(), axis, tick: short, rows: plot_rows, limit: None }.svg();
        (format!("{kernel} of size {}", grouped(rows[0].size)), svg)
    };
    let plots: Vec<_> = all.iter().map(plot).collect();
    let intro = "The same kernels in C (serial, OpenMP, MPI) and Python (NumPy, multiprocessing, mpi4py), measured in turn \
                 with the strategies of this course, which are in Rust. Lines of code are without blank lines and \
                 comments. Those of a strategy are without the loops and the check of the kernel, which stand in chapter 1 \
                 together with serial and rayon; those in C and Python include them.";
    let heads = ["kernel", "size", "strategy", "workers", "rate", "unit", "speed-up", "lines", "remark"];
    let cells = |row: &&Row| {
        let mut cells = begin(row);
        cells.extend([
            Cell::number(row.rate, format!("{:.0}", row.rate)),
            Cell::words(row.kernel.unit()),
            Cell::maybe(row.speedup, |speedup| format!("{speedup:.2}")),
            Cell::maybe(lines(row).map(|lines| lines as f64), |lines| format!("{lines}")),
            Cell::words(row.remark()),
        ]);
        cells
    };
    let numbers: Vec<_> = all.iter().flat_map(|(_, rows)| rows).map(cells).collect();
    section("peers", "Beside C and Python", intro, &plots, &folded("Peers", &heads, &["kernel", "strategy"], &numbers))
}

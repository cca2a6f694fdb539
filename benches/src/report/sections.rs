//! The parts of the page that compare: a sentence that says how to read a plot, the plots, the numbers folded away below.

use ch1_parallel::kernels::{Kernel, median};
use clap::ValueEnum;
use course::lanes::svg::escape;

use super::axis::{Axis, duration, short};
use super::ink::Ink;
use super::plot::{Line, Lines, Mark, MarkKind, Point, Row as PlotRow, Rows};
use super::table::{Cell, folded};
use crate::compare::crossover::{Crossover, Verdict, grouped};
use crate::compare::{Row, Solver};
use crate::metg::Curve;
use crate::peers;
use crate::prices::{Operation, Price};

/// A part of the page.
#[derive(Debug)]
pub struct Section {
    /// Its name in links.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What stands below the heading.
    pub html: String,
}

fn section(
    id: &'static str,
    title: &'static str,
    intro: &str,
    plots: &[(String, String)],
    numbers: &str,
) -> Option<Section> {
    if plots.is_empty() {
        return None;
    }
    let mut html = format!("<p>{intro}</p>\n<div class=\"plots\">\n");
    for (heading, svg) in plots {
        html += &format!("<figure>\n<h3>{}</h3>\n{svg}</figure>\n", escape(heading));
    }
    Some(Section { id, title, html: html + "</div>\n" + numbers })
}

/// What the figures of a kernel say about their measurement: at which sizes something else kept the cores busy.
fn note(rows: &[Row], kernel: Kernel) -> String {
    let of_kernel = || rows.iter().filter(|row| row.kernel == kernel);
    let Some(share) = of_kernel().filter_map(|row| row.disturbed).reduce(f64::max) else { return String::new() };
    let mut sizes: Vec<usize> = of_kernel().filter(|row| row.disturbed.is_some()).map(|row| row.size).collect();
    sizes.dedup();
    let sizes = sizes.into_iter().map(grouped).collect::<Vec<_>>();
    let at = if sizes.len() > 1 { "sizes" } else { "size" };
    format!(
        "<p class=\"note\">Other programs took up to {} of the cores' time at {at} {}.</p>\n",
        percent(share),
        sizes.join("; ")
    )
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::value_variants().iter().copied()
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

fn size_name(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::Nstream => "length of the vectors",
        Kernel::Stencil | Kernel::Pipeline => "side of the grid",
        Kernel::Transpose => "side of the matrix",
        Kernel::Count => "tasks",
        Kernel::DoSomething => "numbers",
        Kernel::Waiting => "requests",
        Kernel::Grain => "steps",
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// The cells that begin every row about a measurement.
fn begin(row: &Row) -> Vec<Cell> {
    vec![
        Cell::words(row.kernel),
        Cell::number(row.size as f64, row.size),
        Cell::words(row.solver),
        Cell::number(row.workers as f64, row.workers),
    ]
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

/// From which size each strategy beats the serial solution.
#[must_use]
pub fn crossovers(rows: &[Row]) -> Option<Section> {
    let all = Crossover::all(rows);
    let plot = |kernel: Kernel| {
        let of_kernel: Vec<_> = all.iter().filter(|it| it.kernel == kernel).collect();
        let sizes: Vec<f64> = of_kernel.iter().flat_map(|it| &it.sizes).map(|(size, _)| *size as f64).collect();
        let plot_row = |it: &&Crossover| PlotRow {
            name: it.solver.to_string(),
            note: it.to_string(),
            ink: it.solver.into(),
            marks: it.sizes.iter().map(|(size, verdict)| verdict_mark(*size, *verdict)).collect(),
        };
        let words = of_kernel.iter().map(|it| format!("{} {it}", it.solver)).collect::<Vec<_>>().join("; ");
        let svg = (!sizes.is_empty()).then(|| {
            let rows = of_kernel.iter().map(plot_row).collect();
            let label = format!("Where strategies beat the serial {kernel}: {words}");
            Rows { label, x: size_name(kernel).into(), axis: Axis::log(sizes), tick: short, rows, limit: None }.svg()
        })?;
        Some((kernel.to_string(), svg + &note(rows, kernel)))
    };
    let plots: Vec<_> = kernels().filter_map(plot).collect();
    let intro = "A full marker: the strategy is faster than the serial solution at this size. A cross: it is slower. A \
                 ring: the 95 % interval of the speed-up contains 1, so there is no verdict. The words say from which size \
                 the strategy is faster and stays so.";
    let heads = ["kernel", "strategy", "verdict", "from size"];
    let cells = |it: &Crossover| {
        let from = it.from().map(|size| size as f64);
        vec![
            Cell::words(it.kernel),
            Cell::words(it.solver),
            Cell::words(it),
            Cell::maybe(from, |size| format!("{size}")),
        ]
    };
    let numbers = folded("Crossovers", &heads, &["kernel", "strategy"], &all.iter().map(cells).collect::<Vec<_>>());
    section("crossovers", "From which size parallel pays", intro, &plots, &numbers)
}

fn verdict_mark(size: usize, verdict: Verdict) -> Mark {
    let kind = match verdict {
        Verdict::Pays => MarkKind::Full,
        Verdict::Loses => MarkKind::Cross,
        Verdict::Open => MarkKind::Ring,
    };
    Mark { x: size as f64, bounds: None, kind }
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

fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::StartAndEnd => "start and end of a worker",
        Operation::ShortMessage => "message of 8 bytes",
        Operation::LongMessage => "message of 1 MiB",
        Operation::Barrier => "barrier",
        Operation::FreeLock => "free lock",
        Operation::ContendedLock => "contended lock",
    }
}

/// What parallelism costs.
#[must_use]
pub fn prices(prices: &[Price]) -> Option<Section> {
    let bounds = |price: &Price| {
        let low = price.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        (low, price.seconds.iter().copied().fold(0.0, f64::max))
    };
    let mut operations: Vec<Operation> = prices.iter().map(|price| price.operation).collect();
    operations.sort();
    operations.dedup();
    let plot = |operation: &Operation| {
        let mut of_operation: Vec<_> = prices.iter().filter(|price| price.operation == *operation).collect();
        of_operation.sort_by(|one, other| median(&one.seconds).total_cmp(&median(&other.seconds)));
        let plot_row = |price: &&Price| PlotRow {
            name: if price.workers > 1 {
                format!("{}, {} workers", price.way, price.workers)
            } else {
                price.way.clone()
            },
            note: duration(median(&price.seconds)),
            ink: price.way.as_str().into(),
            marks: vec![Mark { x: median(&price.seconds), bounds: Some(bounds(price)), kind: MarkKind::Full }],
        };
        let rows: Vec<_> = of_operation.iter().map(plot_row).collect();
        let words = rows.iter().map(|row| format!("{} {}", row.name, row.note)).collect::<Vec<_>>().join("; ");
        let axis = Axis::log(of_operation.iter().flat_map(|price| <[f64; 2]>::from(bounds(price))));
        let label = format!("Price of {}: {words}", operation_name(*operation));
        let svg = Rows { label, x: "time of one operation".into(), axis, tick: duration, rows, limit: None }.svg();
        (operation_name(*operation).to_owned(), svg)
    };
    let plots: Vec<_> = operations.iter().map(plot).collect();
    let intro = "What each step of parallel work costs on this machine, the cheapest way first, on a logarithmic axis: \
                 from tick to tick ten times as much. A bar through a marker spans all rounds of the measurement.";
    let heads = ["operation", "way", "workers", "median", "least", "most"];
    let cells = |price: &Price| {
        let (low, high) = bounds(price);
        vec![
            Cell::words(operation_name(price.operation)),
            Cell::words(&price.way),
            Cell::number(price.workers as f64, price.workers),
            Cell::number(median(&price.seconds), duration(median(&price.seconds))),
            Cell::number(low, duration(low)),
            Cell::number(high, duration(high)),
        ]
    };
    let numbers = folded("Prices", &heads, &["operation"], &prices.iter().map(cells).collect::<Vec<_>>());
    section("prices", "What parallelism costs", intro, &plots, &numbers)
}

/// How fine tasks may be.
#[must_use]
pub fn grain(curves: &[Curve]) -> Option<Section> {
    let mut patterns: Vec<&str> = Vec::new();
    for curve in curves {
        if !patterns.contains(&curve.pattern.as_str()) {
            patterns.push(&curve.pattern);
        }
    }
    let metg = |curve: &Curve| curve.metg.map_or("-".into(), duration);
    let plot = |pattern: &&str| {
        let of_pattern: Vec<_> = curves.iter().filter(|curve| curve.pattern == *pattern).collect();
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
    let heads = ["pattern", "strategy", "workers", "loop turns", "time of a task", "efficiency", "METG(50 %)"];
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

    #[test]
    fn parts_without_data_are_left_out() {
        assert!(speedups(&[]).is_none() && roofline(&[]).is_none() && beside_peers(&[]).is_none());
        assert!(prices(&[]).is_none() && grain(&[]).is_none() && crossovers(&[]).is_none());
    }
}

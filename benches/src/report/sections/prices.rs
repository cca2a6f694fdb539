//! What starting a worker, a message, a barrier and a lock cost.

use super::{Section, section};
use crate::prices::{Operation, Price};
use crate::report::axis::Axis;
use crate::report::plot::{Mark, MarkKind, Row as PlotRow, Rows};
use crate::report::table::{Cell, folded};
use crate::units::duration;

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
        of_operation.sort_by(|one, other| one.median().total_cmp(&other.median()));
        let plot_row = |price: &&Price| PlotRow {
            name: if price.workers > 1 {
                format!("{}, {} workers", price.way, price.workers)
            } else {
                price.way.clone()
            },
            note: duration(price.median()),
            ink: price.way.as_str().into(),
            marks: vec![Mark { x: price.median(), bounds: Some(bounds(price)), kind: MarkKind::Full }],
        };
        let rows: Vec<_> = of_operation.iter().map(plot_row).collect();
        let words = rows.iter().map(|row| format!("{} {}", row.name, row.note)).collect::<Vec<_>>().join("; ");
        let axis = Axis::log(of_operation.iter().flat_map(|price| <[f64; 2]>::from(bounds(price))));
        let label = format!("Price of {}: {words}", operation.title());
        let svg = Rows { label, x: "time of one operation".into(), axis, tick: duration, rows, limit: None }.svg();
        (operation.title().to_owned(), svg)
    };
    let plots: Vec<_> = operations.iter().map(plot).collect();
    let intro = "What each step of parallel work costs on this machine, the cheapest way first, on a logarithmic axis: \
                 from tick to tick ten times as much. A bar through a marker spans all rounds of the measurement.";
    let heads = ["operation", "way", "workers", "median", "least", "most"];
    let cells = |price: &Price| {
        let (low, high) = bounds(price);
        vec![
            Cell::words(price.operation.title()),
            Cell::words(&price.way),
            Cell::number(price.workers as f64, price.workers),
            Cell::number(price.median(), duration(price.median())),
            Cell::number(low, duration(low)),
            Cell::number(high, duration(high)),
        ]
    };
    let numbers = folded("Prices", &heads, &["operation"], &prices.iter().map(cells).collect::<Vec<_>>());
    section("prices", "What parallelism costs", intro, &plots, &numbers)
}

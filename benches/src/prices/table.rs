//! Prices as a table.

use std::fmt::Write;

use super::{Operation, Price};
use crate::units::duration;

/// A table by operation, the cheapest way first. Ways with more workers follow those with fewer.
#[must_use]
pub fn table(prices: &[Price]) -> String {
    let mut table = String::new();
    for operation in Operation::ALL {
        let mut rows: Vec<_> = prices.iter().filter(|price| price.operation == operation).collect();
        rows.sort_by(|one, other| (one.workers.cmp(&other.workers)).then(one.median().total_cmp(&other.median())));
        let mut workers = 0;
        for row in rows {
            if workers != row.workers {
                workers = row.workers;
                // A write to a string cannot fail.
                let _ = writeln!(table, "{}, workers: {workers}", operation.title());
            }
            let _ = writeln!(table, "  {:>10}  {}", duration(row.median()), row.way);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_way_is_first() {
        let price = |operation, way: &str, workers, seconds| Price { operation, way: way.into(), workers, seconds };
        let prices = [
            price(Operation::Barrier, "crowd", 8, vec![1e-9]),
            price(Operation::Barrier, "dear", 2, vec![1e-6, 3e-6, 2e-6]),
            price(Operation::Barrier, "cheap", 2, vec![1e-7]),
            price(Operation::StartAndEnd, "thread", 1, vec![1e-5]),
        ];
        let table = table(&prices);
        let lines: Vec<_> = table.lines().map(str::trim).collect();
        let right = [
            "start and end of a worker, workers: 1",
            "10 µs  thread",
            "barrier, workers: 2",
            "100 ns  cheap",
            "2 µs  dear",
            "barrier, workers: 8",
            "1 ns  crowd",
        ];
        assert_eq!(lines, right);
    }
}

//! The comparison as a table in the terminal.

use std::fmt;

use super::crossover::{Crossover, Verdict};
use super::{Comparison, Row};

impl Row {
    /// What is remarkable about the row: that it loses, that there is no verdict, that something else kept the cores busy.
    #[must_use]
    pub fn remark(&self) -> String {
        let verdict = match self.verdict() {
            Some(Verdict::Loses) => "loses",
            Some(Verdict::Open) => "no verdict",
            Some(Verdict::Pays) | None => "",
        };
        let others = self.disturbed.map(|share| format!("others took {:.0} % of the cores", share * 100.0));
        let remarks = [Some(verdict.to_owned()), others];
        remarks.into_iter().flatten().filter(|remark| !remark.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head =
            ["kernel", "size", "strategy", "workers", "iteration", "spread", "rate", "speed-up", "95 %", "efficiency"];
        let [kernel, size, strategy, workers, iteration, spread, rate, speedup, interval, efficiency] = head;
        writeln!(
            f,
            "{kernel:12} {size:>8}  {strategy:15} {workers:>7} {iteration:>11} {spread:>8} {rate:>20} {speedup:>8} \
             {interval:>13} {efficiency:>10}"
        )?;
        let rows = self.rows();
        let mut last = None;
        for row in &rows {
            if last.replace((row.kernel, row.size)).is_some_and(|last| last != (row.kernel, row.size)) {
                writeln!(f)?;
            }
            let spread = format!("±{:.0} %", row.spread() * 100.0);
            let rate = format!("{:.0} {}", row.rate, row.kernel.unit());
            let speedup = row.speedup.map_or("-".into(), |speedup| format!("{speedup:.2}"));
            let interval = row.speedup_interval.map_or("-".into(), |it| format!("{:.2}..{:.2}", it.low, it.high));
            let efficiency = row.efficiency().map_or("-".into(), |part| format!("{:.0} %", part * 100.0));
            let line = format!(
                "{:12} {:>8}  {:15} {:>7} {:>8.3} ms {spread:>8} {rate:>20} {speedup:>8} \
                 {interval:>13} {efficiency:>10}  {}",
                row.kernel,
                row.size,
                row.solver,
                row.workers,
                row.seconds * 1e3,
                row.remark()
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f)?;
        for crossover in Crossover::all(&rows) {
            writeln!(f, "{} by {}: {crossover}", crossover.kernel, crossover.solver)?;
        }
        self.failures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

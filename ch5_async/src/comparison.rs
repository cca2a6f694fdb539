//! The table of the program `heavy_computation`: the time of each way to compute the same items, and what is checked about it.

use std::process::id;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// The number of an item, and the number to which it counts.
pub type Item = (u64, u64);

/// What a worker returns for an item.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// The number of the item, multiplied by the count.
    pub value: u64,
    /// How long the worker computed.
    pub took: Duration,
    /// The worker's process.
    pub process: u32,
}

/// A row for each way, which is compared with the first way.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    items: &'a [Item],
    sequential: Duration,
}

impl<'a> Table<'a> {
    /// Prints the head of the table, and the row of the way that computes one item after the other.
    ///
    /// # Errors
    /// As [`Table::row`].
    pub fn begin(items: &'a [Item], sequential: Duration, counted: &[Counted]) -> anyhow::Result<Self> {
        println!("{:<10} {:>10} {:>10} {:>9}", "", "start", "time", "speed-up");
        let table = Self { items, sequential };
        table.row("sequential", 1, Duration::ZERO, sequential, counted)?;
        Ok(table)
    }

    /// Prints the row of a way: `start` is the time to create its workers, and `time` what it needed after that.
    ///
    /// # Errors
    /// A result is wrong or missing, another process than expected has computed, or the time is too short for what the workers
    /// have computed.
    pub fn row(&self, way: &str, workers: u32, start: Duration, time: Duration, all: &[Counted]) -> anyhow::Result<()> {
        self.unchecked_row(way, start, time);
        let right = all.iter().map(|one| one.value).eq(self.items.iter().map(|(number, grain)| number * grain));
        ensure!(right, "{way}: a result is wrong or missing");
        let here = way != "processes";
        ensure!(all.iter().all(|one| (one.process == id()) == here), "{way}: a wrong process counted");
        // However busy the machine is, n workers cannot work for longer than n times the time that has passed.
        let worked: Duration = all.iter().map(|one| one.took).sum();
        ensure!(worked <= time * workers, "{way}: within {time:?}, {workers} workers cannot work for {worked:?}");
        Ok(())
    }

    /// Prints a row, and checks nothing.
    pub fn unchecked_row(&self, way: &str, start: Duration, time: Duration) {
        let speed_up = self.sequential.as_secs_f64() / time.as_secs_f64();
        println!("{way:<10} {start:>10.3?} {time:>10.3?} {speed_up:>9.2}");
    }
}

/// How long `work` takes, and its result.
///
/// # Errors
/// As `work`.
pub fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let start = Instant::now();
    work().map(|result| (start.elapsed(), result))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const ITEMS: [Item; 2] = [(1, 5), (2, 5)];

    /// Two items that took a second each, computed in this process.
    fn counted() -> [Counted; 2] {
        ITEMS.map(|(number, grain)| Counted { value: number * grain, took: SECOND, process: id() })
    }

    fn error(way: &str, workers: u32, time: Duration, all: &[Counted]) -> String {
        let table = Table { items: &ITEMS, sequential: 2 * SECOND };
        table.row(way, workers, Duration::ZERO, time, all).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn two_workers_need_at_least_half_of_the_time() {
        assert_eq!(error("threads", 2, SECOND, &counted()), "");
        let short = SECOND - Duration::from_nanos(1);
        assert!(error("threads", 2, short, &counted()).contains("2 workers cannot work for 2s"));
        assert!(error("async", 1, SECOND, &counted()).contains("1 workers cannot work for 2s"));
    }

    #[test]
    fn each_result_is_right_and_comes_from_the_right_process() {
        let [one, two] = counted();
        for wrong in [vec![one], vec![two, one], vec![one, Counted { value: 11, ..two }]] {
            assert!(error("threads", 2, SECOND, &wrong).contains("wrong or missing"), "{wrong:?}");
        }
        let [here, there] = [counted(), counted().map(|one| Counted { process: 1, ..one })];
        assert!(error("threads", 2, SECOND, &there).contains("wrong process"));
        assert!(error("processes", 2, SECOND, &here).contains("wrong process"));
        assert!(error("processes", 2, SECOND, &[there[0], here[1]]).contains("wrong process"));
        assert_eq!(error("processes", 2, SECOND, &there), "");
    }
}

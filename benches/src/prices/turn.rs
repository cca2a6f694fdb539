//! How long one operation takes: many of them are timed together.

use std::time::{Duration, Instant};

/// The seconds of one operation. `timed` does a number of operations, `first` at first, and returns their time. The number
/// grows until the time is at least `turn`, so what is counted is warm.
///
/// # Errors
/// Those of `timed`.
pub fn seconds_each(
    turn: Duration,
    first: u64,
    mut timed: impl FnMut(u64) -> anyhow::Result<Duration>,
) -> anyhow::Result<f64> {
    let mut count = first;
    loop {
        let time = timed(count)?;
        if time >= turn {
            return Ok(time.as_secs_f64() / count as f64);
        }
        let missing = 1.2 * turn.as_secs_f64() / time.as_secs_f64().max(1e-9);
        count = (count as f64 * missing.clamp(2.0, 50.0)) as u64;
    }
}

/// The time of `count` calls of `act`.
///
/// # Errors
/// Those of `act`.
pub fn timed(count: u64, act: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let start = Instant::now();
    (0..count).try_for_each(act)?;
    Ok(start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_has_as_many_operations_as_its_time_needs() {
        let mut counts = Vec::new();
        let seconds = seconds_each(Duration::from_millis(1), 4, |count| {
            counts.push(count);
            Ok(Duration::from_micros(2 * count))
        });
        assert!((seconds.unwrap() - 2e-6).abs() < 1e-12);
        assert_eq!(counts[0], 4);
        assert!(counts.is_sorted() && (500..=700).contains(counts.last().unwrap()), "{counts:?}");
        let failed = seconds_each(Duration::MAX, 1, |_| anyhow::bail!("no"));
        assert_eq!(failed.unwrap_err().to_string(), "no");
    }
}

//! A heartbeat: a task that sleeps and beats, again and again, and so shows whether its event loop polls tasks in time.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use course::lanes;
use tokio::time::{Instant, sleep_until};

/// The heartbeat sleeps for this time before each beat.
pub const PERIOD: Duration = Duration::from_millis(10);

/// Counts the beats.
#[derive(Debug, Default)]
pub struct Heartbeat(AtomicUsize);

impl Heartbeat {
    /// No beat yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// The number of beats.
    pub fn beats(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Beats until `is_over`, and at least once. Returns how late each beat was.
    pub async fn beat(&self, is_over: impl Fn() -> bool) -> Vec<Duration> {
        let mut late = Vec::new();
        while late.is_empty() || !is_over() {
            let due = Instant::now() + PERIOD;
            lanes::sleeping("until the next beat", sleep_until(due)).await;
            late.push(due.elapsed());
            self.0.fetch_add(1, SeqCst);
        }
        late
    }
}

/// A call that a task made, while the heartbeat was another task of its event loop.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its place in the source: the file and the line.
    pub at: (&'static str, u32),
    /// The time that it takes at least.
    pub takes: Duration,
    /// The number of beats from its begin to its end.
    pub beats: usize,
    /// How many other tasks were ready from its begin to its end.
    pub ready: usize,
}

/// A line for each call that blocked the thread of the event loop while the heartbeat was ready. The tasks have the numbers
/// 1, 2, ... in the order of their calls.
#[must_use]
pub fn blocked(calls: &[Call]) -> String {
    let mut text = String::new();
    for (number, Call { at: (file, line), takes, beats, ready: others }) in (1..).zip(calls) {
        // The heartbeat slept when the first task began, so it is ready one period after the begin of each call.
        let ready = takes.saturating_sub(PERIOD).as_millis();
        if *beats == 0 && ready > 0 {
            let takes = takes.as_millis();
            text += &format!("\n  task {number} blocked the thread for at least {takes} ms at {file}:{line}; ");
            text += &format!("not polled meanwhile: heartbeat (ready for at least {ready} ms), ");
            text += &format!("other tasks that were ready: {others}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_call_without_a_beat_blocked() {
        let call =
            |milliseconds, beats| Call { at: ("a.rs", 7), takes: Duration::from_millis(milliseconds), beats, ready: 3 };
        let text = blocked(&[call(300, 0), call(300, 1), call(10, 0), call(11, 0)]);
        let line = |number, takes, ready| {
            format!(
                "\n  task {number} blocked the thread for at least {takes} ms at a.rs:7; not polled meanwhile: heartbeat (ready for \
                 at least {ready} ms), other tasks that were ready: 3"
            )
        };
        assert_eq!(text, line(1, 300, 290) + &line(4, 11, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn beats_until_it_is_over() {
        let heartbeat = Heartbeat::new();
        let late = heartbeat.beat(|| heartbeat.beats() == 5).await;
        assert_eq!((late.len(), heartbeat.beats()), (5, 5));
        assert!(late.iter().all(|late| *late < PERIOD), "{late:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn beats_at_least_once() {
        let heartbeat = Heartbeat::new();
        assert_eq!((heartbeat.beat(|| true).await.len(), heartbeat.beats()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_beat_is_as_late_as_the_loop_was_blocked() {
        let heartbeat = Heartbeat::new();
        // No task is polled while the clock goes on.
        let (late, ()) = tokio::join!(heartbeat.beat(|| true), tokio::time::advance(3 * PERIOD));
        assert_eq!(late, [2 * PERIOD]);
    }
}

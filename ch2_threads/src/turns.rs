//! Two threads that measure several ways in turns.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use course::lanes;

/// In each round two threads, Huey (number 0) and Dewey (number 1), call `measure` with the number of each way and with their own
/// number, both at the same time. Returns for each way the median of what `measure` returned in both threads.
///
/// # Panics
/// `measure` panics, or `rounds` is 0.
pub fn medians<const WAYS: usize>(
    ways: [&str; WAYS],
    rounds: usize,
    measure: impl Fn(usize, usize) -> f64 + Sync,
) -> [f64; WAYS] {
    let (arrived, measure) = (AtomicUsize::new(0), &measure);
    let round = &|thread| {
        [(); WAYS]
            .iter()
            .enumerate()
            .map(|(way, ())| {
                lanes::wait("both threads", || meet(&arrived));
                lanes::work(ways[way], || measure(way, thread))
            })
            .collect::<Vec<_>>()
    };
    let measured = thread::scope(|scope| {
        let threads = [("Huey", 0), ("Dewey", 1)].map(|(name, number)| {
            scope.spawn(move || {
                let _lane = lanes::lane(name);
                (0..rounds).map(|_| round(number)).collect::<Vec<_>>()
            })
        });
        lanes::join_all(threads).concat()
    });
    std::array::from_fn(|way| {
        let mut measured: Vec<f64> = measured.iter().map(|round| round[way]).collect();
        measured.sort_by(f64::total_cmp);
        measured[measured.len() / 2]
    })
}

/// Returns when both threads have come. They do not sleep here: the system might wake a thread on the core of the other thread.
fn meet(arrived: &AtomicUsize) {
    let before = arrived.fetch_add(1, SeqCst);
    while arrived.load(SeqCst) / 2 == before / 2 {
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn no_thread_begins_a_turn_before_both_have_ended_the_turn_before() {
        const ROUNDS: usize = 5;
        let [begun, ended] = [const { AtomicUsize::new(0) }; 2];
        let own = [const { AtomicUsize::new(0) }; 2];
        let measure = |way: usize, thread: usize| {
            let turn = own[thread].fetch_add(1, SeqCst);
            assert_eq!(way, turn % 2);
            assert!(ended.load(SeqCst) >= 2 * turn, "thread {thread} is ahead in turn {turn}");
            begun.fetch_add(1, SeqCst);
            // One thread is slow: the other one has the time to run ahead.
            let begin = Instant::now();
            while turn % 2 == thread
                && begun.load(SeqCst) <= 2 * (turn + 1)
                && begin.elapsed() < Duration::from_millis(5)
            {
                spin_loop();
            }
            ended.fetch_add(1, SeqCst);
            (10 * way + turn / 2) as f64
        };
        assert_eq!(medians(["first", "second"], ROUNDS, measure), [2.0, 12.0]);
        assert_eq!(ended.into_inner(), 4 * ROUNDS);
    }

    #[test]
    fn the_result_is_the_median_of_what_both_threads_have_measured() {
        let rounds = [0, 1].map(AtomicUsize::new);
        // Huey measures 0, 20, 40, and Dewey measures 1, 21, 1000.
        let measure = |_: usize, thread: usize| match rounds[thread].fetch_add(20, SeqCst) {
            41 => 1000.0,
            number => number as f64,
        };
        assert_eq!(medians(["one"], 3, measure), [21.0]);
    }
}

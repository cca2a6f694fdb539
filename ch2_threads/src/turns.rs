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

    #[test]
    fn both_threads_measure_each_way_at_the_same_time() {
        let (measuring, calls) = (AtomicUsize::new(0), [const { AtomicUsize::new(0) }; 4]);
        let measure = |way: usize, thread: usize| {
            // Both threads are here, or this never ends.
            measuring.fetch_add(1, SeqCst);
            let number = calls[2 * way + thread].fetch_add(1, SeqCst) + 1;
            while measuring.load(SeqCst) < 2 * (2 * (number - 1) + way + 1) {
                spin_loop();
            }
            (10 * way + number) as f64
        };
        assert_eq!(medians(["first", "second"], 5, measure), [3.0, 13.0]);
        assert_eq!(calls.map(AtomicUsize::into_inner), [5; 4]);
    }
}

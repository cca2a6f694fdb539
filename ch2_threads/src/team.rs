//! A team of threads that run the same function.

use std::thread;

use course::lanes;

/// Calls `work` with each number below `workers` at the same time, number 0 on the calling thread, and returns what each
/// returned.
///
/// # Panics
/// The system has no thread left, or `work` panics.
pub fn team<T: Send>(workers: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let member = |number: usize| {
        let _lane = lanes::lane(format_args!("worker {number}"));
        work(number)
    };
    let call = || {
        thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|number| scope.spawn(move || member(number))).collect();
            let first = member(0);
            let results = others.into_iter().map(|other| other.join().expect("no member of the team panics"));
            std::iter::once(first).chain(results).collect()
        })
    };
    // The caller's own lane stands still: what its thread does is the lane of member 0.
    lanes::wait("team", call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        assert_eq!(team(64, |number| number * number), (0..64).map(|number| number * number).collect::<Vec<_>>());
    }
}

//! A team of threads that run the same function.

use std::thread;

use course::lanes;

/// Calls `work` with each number below `workers`, all at the same time and each on its own thread; number 0 runs on the
/// calling thread. Returns the results in the order of the numbers.
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
            let spawned: Vec<_> = (1..workers).map(|number| scope.spawn(move || member(number))).collect();
            let mut results = vec![member(0)];
            results.extend(lanes::join_all(spawned));
            results
        })
    };
    // The caller's own lane waits: member 0 runs on the caller's thread, but has a lane of its own.
    lanes::wait("team", call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn results_are_in_order() {
        assert_eq!(team(64, |number| number * number), (0..64).map(|number| number * number).collect::<Vec<_>>());
    }

    #[test]
    fn all_members_run_at_the_same_time() {
        let all_run = Barrier::new(8);
        let leaders = team(8, |_| all_run.wait().is_leader());
        assert_eq!(leaders.into_iter().filter(|is_leader| *is_leader).count(), 1);
    }

    #[test]
    fn member_0_runs_on_the_calling_thread() {
        let threads = team(3, |_| thread::current().id());
        assert_eq!(threads.iter().position(|thread| *thread == thread::current().id()), Some(0));
    }
}

//! A team of threads that run the same function.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use course::lanes;

use crate::spin_barrier::SpinBarrier;

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

/// A [`team`] whose members first get their own data by `prepare`, each on its own thread, and then work. The thread that
/// writes first to a page gets it from the memory that is nearest to its core.
///
/// # Errors
/// `prepare` fails in some member. Then no member works, because some members have no data.
///
/// # Panics
/// As [`team`].
pub fn prepared_team<D, T: Send, E: Send>(
    workers: usize,
    prepare: impl Fn(usize) -> Result<D, E> + Sync,
    work: impl Fn(usize, D) -> T + Sync,
) -> Result<Vec<T>, E> {
    let (all_prepared, failed) = (SpinBarrier::new(workers), AtomicBool::new(false));
    let members = team(workers, |number| {
        let data = prepare(number);
        if data.is_err() {
            failed.store(true, Relaxed);
        }
        all_prepared.wait();
        // `Relaxed` is enough: the barrier orders the store before the load.
        data.map(|data| (!failed.load(Relaxed)).then(|| work(number, data)))
    });
    let results = members.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn members_work_with_their_own_data_and_only_if_all_have_theirs() {
        let prepare = |fails: usize| move |number: usize| if number == fails { Err(number) } else { Ok(2 * number) };
        let work = |number: usize, data: usize| (number, data);
        assert_eq!(prepared_team(3, prepare(7), work), Ok(vec![(0, 0), (1, 2), (2, 4)]));
        let worked = AtomicBool::new(false);
        assert_eq!(prepared_team(3, prepare(1), |_, _| worked.store(true, Relaxed)), Err(1));
        assert!(!worked.into_inner(), "a member worked without the others");
    }

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

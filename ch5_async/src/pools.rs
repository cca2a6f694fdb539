//! The two pools of the program `thread_pool`. They count their threads.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::ThreadPoolBuilder;
use tokio::runtime::{Builder, Runtime};

/// The threads of both pools together.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// How many have started.
    pub started: usize,
    /// How many have ended.
    pub ended: usize,
    /// How many work now.
    pub working: usize,
    /// How many worked at the same time, at most.
    pub most_working: usize,
}

static COUNTS: Mutex<Counts> = Mutex::new(Counts { started: 0, ended: 0, working: 0, most_working: 0 });

fn counts_of_all() -> MutexGuard<'static, Counts> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The counts until now.
#[must_use]
pub fn counts() -> Counts {
    *counts_of_all()
}

/// Calls `work` in this thread, which counts as a thread that works until the call returns.
pub fn counted<T>(work: impl FnOnce() -> T) -> T {
    let mut counts = counts_of_all();
    counts.working += 1;
    counts.most_working = counts.most_working.max(counts.working);
    drop(counts);
    let result = work();
    counts_of_all().working -= 1;
    result
}

/// An event loop on the calling thread that has at most this number of blocking threads.
///
/// # Errors
/// The system gives no event queue.
pub fn event_loop(blocking_threads: usize) -> io::Result<Runtime> {
    let number = AtomicUsize::new(0);
    Builder::new_current_thread()
        .max_blocking_threads(blocking_threads)
        .thread_name_fn(move || format!("blocking thread {}", number.fetch_add(1, SeqCst)))
        .on_thread_start(|| counts_of_all().started += 1)
        .on_thread_stop(|| counts_of_all().ended += 1)
        .build()
}

/// A rayon pool of this number of threads.
#[must_use]
pub fn rayon_pool(threads: usize) -> ThreadPoolBuilder {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("rayon thread {number}"))
        .start_handler(|_| counts_of_all().started += 1)
        .exit_handler(|_| counts_of_all().ended += 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn threads_that_work_at_the_same_time_are_counted() {
        let all = Barrier::new(3);
        let work = || {
            all.wait();
            let working = counts().working;
            all.wait();
            working
        };
        let seen = thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(|| counted(work)));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(seen, [3; 3]);
        assert_eq!(counted(|| counts().working), 1);
        assert_eq!((counts().working, counts().most_working), (0, 3));
    }
}

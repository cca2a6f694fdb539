//! What the primitives in shared memory use of the system. A model checker can replace all of it.

use std::num::NonZero;
pub use std::sync::atomic::{AtomicU32, fence};
pub use std::thread::yield_now;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::thread::futex;

/// How many threads can run at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Sleeps until another thread wakes the threads that sleep on `word`. Returns at once if `word` is not `value` any more, returns
/// after `limit`, and sometimes for no reason.
pub fn sleep(word: &AtomicU32, value: u32, limit: Duration) {
    let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
    // Without the flag `PRIVATE`, with which only threads of this process would be woken. Each error is one of the reasons above.
    let _ = futex::wait(word, futex::Flags::empty(), value, Some(&limit));
}

/// Wakes at most this number of threads that sleep on `word`, in whatever process.
pub fn wake(word: &AtomicU32, most: u32) {
    // It can only fail for a bad address.
    let _ = futex::wake(word, futex::Flags::empty(), most);
}

//! All that the primitives in shared memory have of the system, in one place: a test puts a scheduler in its stead.

use std::num::NonZero;
pub use std::sync::atomic::{AtomicU32, fence};
pub use std::thread::yield_now;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::thread::futex;

/// How many threads run at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Sleeps until somebody wakes those who sleep on `word`. Returns at once if it is not `value` any more, after `limit`,
/// and sometimes for no reason.
pub fn sleep(word: &AtomicU32, value: u32, limit: Duration) {
    let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
    // Not private, which would find sleepers of this process only. Each error is one of the reasons above.
    let _ = futex::wait(word, futex::Flags::empty(), value, Some(&limit));
}

/// Wakes so many who sleep on `word`, in whatever process.
pub fn wake(word: &AtomicU32, most: u32) {
    // It can only fail for a bad address.
    let _ = futex::wake(word, futex::Flags::empty(), most);
}

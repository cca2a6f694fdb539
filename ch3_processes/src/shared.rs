//! Memory that processes share.
//!
//! [`SharedArray`] is an array in parts. Each part is borrowed at run time, by one writer or by any number of readers, as in a
//! `RefCell`; borrowing never blocks, in contrast to a [`Lock`](crate::Lock). [`Counters`] are atomic numbers. Both are passed to
//! children like the ends of a pipe, and all processes that hold one see the same memory. Python's `multiprocessing.Array` is
//! one block behind one lock.
//!
//! The memory is gone as soon as the last process that holds it has ended, in whatever way.

mod array;
mod counters;

pub use array::{InUse, ReadGuard, SharedArray, WriteGuard};
pub use counters::Counters;

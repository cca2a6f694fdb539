//! What the programs of chapter 1 share, and the problems that chapters 1 to 4 solve.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@do_something`] | the workload that the comparisons share |
//! | [`batch`] | the numbers that one worker makes in the comparison of threads and processes, and its times |
//! | [`semaphore`] | a counting semaphore |
//! | [`mod@array`] | arrays of numbers in huge pages, for the kernels |
//! | [`map`] | independent tasks that give bytes back, for the advisor |
//! | [`memory`] | vectors whose length comes from a flag; without enough memory the result is an error, and no abort |
//! | [`kernels`] | the problems that every strategy solves, with their serial and rayon solutions |
//! | [`what_rust_forbids`] | mistakes of this chapter that the compiler refuses |

pub mod array;
pub mod batch;
pub mod do_something;
pub mod kernels;
pub mod map;
pub mod memory;
mod primitive;
pub mod semaphore;
pub mod what_rust_forbids;

pub use do_something::do_something;
pub use semaphore::Semaphore;

//! What the programs of chapter 1 share, and the problems that every chapter solves.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@do_something`] | the workload that the comparisons share |
//! | [`batch`] | the numbers that one worker makes in the comparison of threads and processes, and its times |
//! | [`semaphore`] | a counting semaphore |
//! | [`memory`] | vectors whose length a flag decides: an error instead of an abort when the memory is not there |
//! | [`kernels`] | the problems that every strategy solves, with their serial and rayon solutions |
//! | [`what_rust_forbids`] | mistakes of this chapter that the compiler refuses |

pub mod batch;
pub mod do_something;
pub mod kernels;
pub mod memory;
mod primitive;
pub mod semaphore;
pub mod what_rust_forbids;

pub use do_something::do_something;
pub use semaphore::Semaphore;

//! What every chapter shares.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@do_something`] | the workload that the comparisons share |
//! | [`kernels`] | the problems that every strategy solves, with their serial and rayon solutions |
//! | [`made`] | numbers and the times at which a worker made them, as threads and processes hand them back |
//! | [`semaphore`] | a counting semaphore |
//! | [`what_rust_forbids`] | mistakes of this chapter that never reach run time |

pub mod do_something;
pub mod kernels;
pub mod made;
mod primitive;
pub mod semaphore;
pub mod what_rust_forbids;

pub use do_something::do_something;
pub use semaphore::Semaphore;

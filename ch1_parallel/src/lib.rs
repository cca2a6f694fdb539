//! What every chapter shares.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@do_something`] | the workload that the comparisons share |
//! | [`lesson`] | how a program begins and ends: flags, seed, pace, errors, Ctrl-C |
//! | [`lanes`] | who ran, who waited, and on what: the chart, the picture and the trace |
//! | [`kernels`] | the problems that every strategy solves, with their serial and rayon solutions |
//! | [`made`] | numbers and the times at which a worker made them, as threads and processes hand them back |
//! | [`program`] | running another program with a limit on its time |
//! | [`semaphore`] | a counting semaphore |
//! | [`what_rust_forbids`] | mistakes of this chapter that never reach run time |

pub mod do_something;
pub mod kernels;
pub mod lanes;
pub mod lesson;
pub mod made;
pub mod program;
pub mod semaphore;
pub mod what_rust_forbids;

pub use do_something::do_something;
pub use semaphore::Semaphore;

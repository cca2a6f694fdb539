//! What the programs of the threads chapter share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`what_rust_forbids`] | mistakes of this chapter that never reach run time |
//! | [`team`] | a team of threads that run the same function |
//! | [`spin_barrier`] | a barrier that spins for a moment before it sleeps |
//! | [`kernels`] | the kernels solved by such a team |

pub mod kernels;
pub mod spin_barrier;
pub mod team;
pub mod what_rust_forbids;

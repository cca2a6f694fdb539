//! What the programs of the threads chapter share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`what_rust_forbids`] | mistakes of this chapter that the compiler refuses |
//! | [`producers_and_consumers`] | threads that make items and threads that take them |
//! | [`overlap`] | how many stretches of time overlap |
//! | [`team`] | a team of threads that run the same function |
//! | [`turns`] | two threads that measure several ways in turns |
//! | [`spin_barrier`] | a barrier that spins for a moment before it sleeps |
//! | [`kernels`] | the kernels solved by such a team |

pub mod kernels;
pub mod overlap;
pub mod producers_and_consumers;
pub mod spin_barrier;
pub mod team;
pub mod turns;
pub mod what_rust_forbids;

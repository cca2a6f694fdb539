//! What the programs of the threads chapter share.

pub mod kernels;
pub mod spin_barrier;
pub mod team;

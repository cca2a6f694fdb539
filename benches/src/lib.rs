//! Comparing the strategies: what the programs `kernel` and `tour` and the benches share.

pub mod compare;
pub mod examples;
pub mod machine;
pub mod mpi;
pub mod report;
pub mod solve;

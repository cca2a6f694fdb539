//! The comparison of the strategies: the library of the programs `kernel`, `metg`, `scaling`, `forecast`, `prices`, `advise`,
//! `tour`, `doctor` and `start`, and of the benches.

pub mod advisor;
pub mod compare;
pub mod examples;
pub mod forecast;
pub mod machine;
pub mod metg;
pub mod mpi;
pub mod peers;
pub mod prices;
mod printed;
pub mod report;
pub mod scaling;
pub mod script;
pub mod solve;
pub mod timelines;
pub mod units;

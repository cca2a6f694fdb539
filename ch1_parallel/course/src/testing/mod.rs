//! What the tests of all chapters share.

pub mod contract;
pub mod group;
pub mod harness;
pub mod hazard;
pub mod pictures;
pub mod proc;
pub mod schedules;
pub mod traces;

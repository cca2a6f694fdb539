//! The locks below this crate. With the feature `model` they are those of a model checker, which decides at each step which
//! thread continues.

#[cfg(feature = "model")]
pub use course::testing::schedules::{Condvar, Mutex};
#[cfg(not(feature = "model"))]
pub use parking_lot::{Condvar, Mutex};

//! The lock and the condition variable that this crate uses. With the feature `model` they come from a model checker, which
//! decides at each step which thread continues.

#[cfg(feature = "model")]
pub use course::model::{Condvar, Mutex};
#[cfg(not(feature = "model"))]
pub use parking_lot::{Condvar, Mutex};

//! Atomics, the futex, and the shared memory of what sleeps on a futex. With the feature `model` they are those of a model checker,
//! which decides at each step which thread continues.

#[cfg(feature = "model")]
mod model;
#[cfg(not(feature = "model"))]
mod system;

#[cfg(not(feature = "model"))]
pub use super::memory::SharedAtomics;
#[cfg(feature = "model")]
pub use model::*;
#[cfg(not(feature = "model"))]
pub use system::*;

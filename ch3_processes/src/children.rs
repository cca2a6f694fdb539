//! The list of the functions that children can run.
//!
//! It knows both kinds of children: those that call a function once, and the workers of a pool, which call it for each task.
//! So the two kinds need not know each other.

use serde::de::DeserializeOwned;

use crate::pool::ForTasks;
use crate::process::{Entry, Function};

/// Lists the functions that [`spawn`](crate::spawn) and a [`Pool`](crate::Pool) may run in child processes. It is the first
/// line of `main`: in a child it calls the function and ends the process.
#[macro_export]
macro_rules! children {
    ($($function:expr),* $(,)?) => {
        $crate::process::enter(vec![$($crate::children::entries($function)),*].into_iter().flatten().collect())
    };
}

/// What children can do with a function.
#[doc(hidden)]
#[must_use]
pub fn entries<A: DeserializeOwned + 'static, F: Function<A> + Copy>(function: F) -> [Entry; 2] {
    [Entry::of(function), Entry::of(ForTasks::of(function))]
}

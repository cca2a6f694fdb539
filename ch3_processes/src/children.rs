//! The list of the functions that children can run.
//!
//! This module knows both kinds of children: a child that calls a function once, and a worker of a pool, which calls it
//! for each task. So the modules of the two kinds need not know each other.

use serde::de::DeserializeOwned;

use crate::pool::ForTasks;
use crate::process::{Entry, Function};

/// Lists the functions that [`spawn`](crate::spawn) and a [`Pool`](crate::Pool) may run in child processes. It is the first
/// line of `main`: in a child it calls the function and ends the process.
#[macro_export]
macro_rules! children {
    ($($function:expr),* $(,)?) => {
        $crate::process::enter({
            let entries: Vec<[$crate::process::Entry; 2]> = vec![$($crate::children::entries($function)),*];
            entries.into_iter().flatten().collect()
        })
    };
}

/// What children can do with a function.
#[doc(hidden)]
#[must_use]
pub fn entries<A: DeserializeOwned + 'static, F: Function<A> + Copy>(function: F) -> [Entry; 2] {
    [Entry::of(function), Entry::of(ForTasks::of(function))]
}

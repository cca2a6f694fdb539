//! The chapter's programs, run as programs.

#[path = "../../../ch1_parallel/tests/contract/mod.rs"]
mod contract;

#[path = "../../../ch1_parallel/tests/proc/mod.rs"]
mod proc;

mod barrier;
mod condition;
mod event;
mod lock_held;
mod lock_released_early;
mod queue;
mod rlock;
mod semaphore_signal;
mod thread_ids;
mod thread_names;
mod thread_spawn;
mod thread_struct;

/// The items of the lines that end or begin with these words, in their order.
fn items<'a>(output: &'a str, item: impl Fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    output.lines().filter_map(item).collect()
}

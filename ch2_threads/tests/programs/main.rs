//! The chapter's programs, run as programs.

mod barrier;
mod condition;
mod event;
mod false_sharing;
mod hazards;
mod lock_held;
mod lock_in_pool;
mod lock_released_early;
mod oversubscribed;
mod queue;
mod rlock;
mod semaphore_signal;
mod thread_ids;
mod thread_names;
mod thread_spawn;
mod thread_struct;
mod too_weak_ordering;

use std::process::Command;
use std::time::Duration;

use course::program;

/// Runs a program with so little address space that it cannot have 400 threads. It must end with an error in one line.
///
/// A stack needs more memory than everything else that a thread allocates. So where no other stack fits, the threads that
/// run already still have room.
fn fails_for_want_of_threads(path: &str, flag: &str) {
    let mut command = Command::new("sh");
    command.env("RUST_MIN_STACK", (256 << 20).to_string());
    command.args(["-c", "ulimit -v 4000000 && exec \"$0\" \"$1\" 400", path, flag]);
    let finished = program::run(&mut command, Duration::from_secs(60)).expect("the program starts");
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("error: starting a thread: "), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
}

#[test]
fn a_thread_that_cannot_be_spawned_is_an_error_and_no_hang() {
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_barrier"), "--runners");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_condition"), "--consumers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_lock_released_early"), "--workers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_queue"), "--consumers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_thread_ids"), "--workers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_thread_names"), "--workers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_thread_spawn"), "--workers");
}

/// What `item` finds in the lines of the output, in their order.
fn items<'a>(output: &'a str, item: impl Fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    output.lines().filter_map(item).collect()
}

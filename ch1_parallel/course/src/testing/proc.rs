//! The processes of this machine, for tests that start and kill them.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub use crate::processes::{Process, all as processes, children_of, descendants_of as descendants, lives as alive};

/// The processes of a group that are alive.
pub fn members_of(group: u32) -> Vec<Process> {
    processes().into_iter().filter(|process| process.group == group).collect()
}

/// Sends a signal to a process that must be alive.
pub fn signal(id: u32, signal: Signal) {
    kill_process(pid(id), signal).expect("a process that lives");
}

/// `id` as the system calls want it.
pub fn pid(id: u32) -> Pid {
    id.try_into().ok().and_then(Pid::from_raw).expect("an id")
}

/// Waits until `condition` gives something.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < limit, "no {what} within {limit:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

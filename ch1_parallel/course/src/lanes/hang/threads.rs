//! What the system says of threads: which of them sleep, and whether all of a process have lanes.

use std::collections::BTreeSet;
use std::fs;

/// The threads of every program that belong to no lane and help none.
const HELPERS: [&str; 2] = ["ctrl-c", "deadline"];

/// Whether a thread does not sleep, as proc(5) says. A thread that has said that it will sleep, or that it will wait for a child,
/// is in state S (`/proc/PID/stat`), but may run or wait for a core; `/proc/PID/syscall` tells that.
pub fn goes_on(process: u32, thread: i32) -> bool {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/task/{thread}/{file}")).unwrap_or_default();
    // The name stands in parentheses, and may contain some.
    let sleeps = read("stat").rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('S'));
    !sleeps || read("syscall").starts_with("running")
}

/// Whether all threads of a process have lanes, but for the helpers.
pub fn has_lanes_only(process: u32, known: &BTreeSet<i32>) -> bool {
    threads_of(process).is_some_and(|threads| threads.iter().all(|thread| known.contains(thread)))
}

/// Whether all threads of a process sleep, but for the helpers.
pub fn all_sleep(process: u32) -> bool {
    threads_of(process).is_some_and(|threads| !threads.into_iter().any(|thread| goes_on(process, thread)))
}

/// The threads of a process without the helpers, if the system tells them.
fn threads_of(process: u32) -> Option<Vec<i32>> {
    let mut threads = Vec::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten() {
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        if !HELPERS.contains(&name.trim_end()) {
            threads.push(thread.file_name().to_str()?.parse().ok()?);
        }
    }
    Some(threads)
}

//! What the system says of threads: whether one sleeps, and whether all of a process have lanes.

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
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return false };
    threads.flatten().all(|thread| {
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        let number = thread.file_name().to_str().and_then(|number| number.parse().ok());
        HELPERS.contains(&name.trim_end()) || number.is_some_and(|number| known.contains(&number))
    })
}

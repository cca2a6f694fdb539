//! Ending with the program that has started this one for a report or a test.

use std::process::{Command, exit};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::processes;

/// The environment variable by which [`program::run`](crate::program::run) names itself to the program that it starts.
pub const STARTER: &str = "LESSON_STARTER";

/// The environment variable by which a program names itself to a child that runs the program once more.
const PARENT: &str = "LESSON_PARENT";

/// Prepares `child` so that the process that it starts is a child of this process and ends when this process ends.
pub fn adopt(child: &mut Command) {
    let own = std::process::id().to_string();
    child.env(STARTER, &own).env(PARENT, &own);
}

/// Whether this process is a child of a program of the course. A program that a child starts inherits the variable, but has
/// another parent.
pub fn is_child() -> bool {
    std::env::var(PARENT).is_ok_and(|parent| is_parent(&parent))
}

fn is_parent(id: &str) -> bool {
    getppid().is_some_and(|parent| parent.to_string() == id)
}

/// Makes the kernel kill this process when the program that runs it for a report or a test is gone, however that ended.
///
/// The signal comes when the *thread* that started this process ends; [`program::run`](crate::program::run) waits in it.
pub fn end_with_starter() {
    let Ok(starter) = std::env::var(STARTER) else { return };
    if is_parent(&starter) {
        // It fails only for signals that do not exist.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
    // A process that this one starts inherits the variable, but its parent is another. If the starter has ended already,
    // before the line above, the parent is another too.
    if !is_parent(&starter) && !starter.parse().is_ok_and(processes::lives) {
        exit(1);
    }
}

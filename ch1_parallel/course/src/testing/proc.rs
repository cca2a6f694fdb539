//! The processes of this machine, as `/proc` shows them. The tests of the chapters that start processes include this
//! file.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A process. It is known by more than its id, since ids come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// The name that `ps` shows: at most 15 bytes.
    pub name: String,
    /// The id of its parent.
    pub parent: u32,
    /// The id of its process group.
    pub group: u32,
    /// When it began, in ticks of the system's clock.
    born: u64,
}

impl Process {
    /// Process `id`, if it lives: a zombie does not.
    pub fn of(id: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name stands in parentheses and may contain anything.
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |field: usize| fields.get(field)?.parse().ok();
        let (parent, group) = (u32::try_from(number(1)?).ok()?, u32::try_from(number(2)?).ok()?);
        let alive = !matches!(fields[0], "Z" | "X");
        alive.then_some(Self { id, name: name.into(), parent, group, born: number(19)? })
    }

    /// Whether it still lives.
    pub fn is_alive(&self) -> bool {
        Self::of(self.id).is_some_and(|now| now.born == self.born)
    }
}

/// All that live.
pub fn processes() -> Vec<Process> {
    let folders = fs::read_dir("/proc").expect("/proc");
    folders.filter_map(|folder| Process::of(folder.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

/// The children of a process that are alive.
pub fn children_of(parent: u32) -> Vec<Process> {
    processes().into_iter().filter(|process| process.parent == parent).collect()
}

/// The children of process `id`, and theirs; parents first.
pub fn descendants(id: u32) -> Vec<Process> {
    let mut rest = processes();
    let mut family = vec![id];
    let mut found = Vec::new();
    loop {
        let children: Vec<_> = rest.extract_if(.., |process| family.contains(&process.parent)).collect();
        if children.is_empty() {
            return found;
        }
        family.extend(children.iter().map(|child| child.id));
        found.extend(children);
    }
}

/// The processes of a group that are alive.
pub fn members_of(group: u32) -> Vec<Process> {
    processes().into_iter().filter(|process| process.group == group).collect()
}

/// Whether process `id` is alive.
pub fn alive(id: u32) -> bool {
    Process::of(id).is_some()
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

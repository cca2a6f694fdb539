//! Processes of this machine, as `/proc` shows them.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A living process. A zombie is not alive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// The name that `ps` shows: at most 15 bytes.
    pub name: String,
    /// The id of its parent.
    pub parent: u32,
    /// The id of its process group.
    pub group: u32,
    /// When it began, in ticks of the system's clock. With the id it tells a process from a later one of the same id.
    born: u64,
}

impl Process {
    /// Process `id`, if it is alive.
    #[must_use]
    pub fn of(id: u32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{id}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name stands in parentheses and may contain anything.
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
        let (parent, group) = (u32::try_from(number(1)?).ok()?, u32::try_from(number(2)?).ok()?);
        // The state is that of the first thread. If that thread has ended, others may still run.
        let threads: u64 = number(17)?;
        let alive = !matches!(fields[0], "Z" | "X") || threads > 1;
        alive.then_some(Self { id, name: name.into(), parent, group, born: number(19)? })
    }

    /// Whether it is still alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::of(self.id).is_some_and(|now| now.born == self.born)
    }
}

/// Whether process `id` is alive.
#[must_use]
pub fn lives(id: u32) -> bool {
    Process::of(id).is_some()
}

/// All processes that are alive; none where there is no `/proc`.
#[must_use]
pub fn all() -> Vec<Process> {
    let folders = fs::read_dir("/proc").into_iter().flatten();
    folders.filter_map(|folder| Process::of(folder.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

/// The children of process `parent` that are alive.
#[must_use]
pub fn children_of(parent: u32) -> Vec<Process> {
    all().into_iter().filter(|process| process.parent == parent).collect()
}

/// The children of process `id`, and theirs; parents first.
#[must_use]
pub fn descendants_of(id: u32) -> Vec<Process> {
    let mut rest = all();
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

/// The file name of the running program.
#[must_use]
pub fn program_name() -> String {
    let path = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    path.file_stem().map_or_else(|| "program".into(), |name| name.to_string_lossy().into_owned())
}

//! What lanes wait for that another process has: the other end of a pipe, a permit in shared memory, the end of a process.
//!
//! All processes know a pipe, and shared memory, by the number of its inode. Which processes have an end of a pipe open is not
//! written down by the program: the system knows it (proc(5), `/proc/PID/fd`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::panic::Location;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::board::{self, Place, locked};
use super::holding::{Held, Hold, Needs};
use super::{children, wait_at};
use crate::processes;

/// What ends a wait for another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Between {
    /// Bytes come through this pipe, or no process has its writing end any more.
    Bytes(u64),
    /// This pipe has room, or no process has its reading end any more.
    Room(u64),
    /// A permit of the semaphore in this memory is released.
    Permit(u64),
    /// This process ends.
    EndOf(u32),
}

/// Where this process has made its pipes.
static MADE: Mutex<BTreeMap<u64, Place>> = Mutex::new(BTreeMap::new());

fn inode(descriptor: &impl AsFd) -> u64 {
    // A descriptor that is open has an inode.
    rustix::fs::fstat(descriptor).map_or(0, |stat| stat.st_ino)
}

/// What a wait needs, if a report of a hang may ask for it.
fn needs(of: fn(u64) -> Between, descriptor: &impl AsFd) -> Needs {
    if children::are_told() { Needs::Between(of(inode(descriptor))) } else { Needs::Unknown }
}

/// Makes a pipe with the function `make`, and remembers where.
///
/// # Errors
/// Those of `make`.
#[track_caller]
pub fn pipe<R: AsFd, W>(make: impl FnOnce() -> io::Result<(R, W)>) -> io::Result<(R, W)> {
    let place = Location::caller();
    let (reader, writer) = make()?;
    if children::are_told() {
        locked(&MADE).insert(inode(&reader), place.into());
    }
    Ok((reader, writer))
}

/// Where this process has made a pipe.
pub(super) fn made_at(pipe: u64) -> Option<Place> {
    locked(&MADE).get(&pipe).cloned()
}

/// Reads from `end`, the reading end of a pipe, with the function `read`, which must have no time limit (otherwise use
/// [`wait`](super::wait)). The current lane waits meanwhile.
#[track_caller]
pub fn read_from<E: AsFd, T>(name: &str, end: &mut E, read: impl FnOnce(&mut E) -> T) -> T {
    let needs = needs(Between::Bytes, end);
    wait_at(name, Location::caller(), needs, || read(end))
}

/// Writes to `end`, the writing end of a pipe, with the function `write`, which must have no time limit. The current lane waits
/// meanwhile.
#[track_caller]
pub fn write_to<E: AsFd, T>(name: &str, end: &mut E, write: impl FnOnce(&mut E) -> T) -> T {
    let needs = needs(Between::Room, end);
    wait_at(name, Location::caller(), needs, || write(end))
}

/// Acquires with the function `acquire`, which must have no time limit, a permit of a semaphore, whose shared memory has the descriptor of `semaphore`. The current
/// lane holds the permit until the result is dropped.
#[track_caller]
pub fn permit<'semaphore, S: AsFd, P>(
    name: &str,
    semaphore: &'semaphore S,
    acquire: impl FnOnce(&'semaphore S) -> P,
) -> Held<P> {
    let place = Location::caller();
    let permit = wait_at(name, place, needs(Between::Permit, semaphore), || acquire(semaphore));
    let hold = children::are_told().then(|| board::holds(Hold::of_permit(inode(semaphore), name, place)));
    Held::new(permit, hold.flatten())
}

/// Waits with the function `wait`, which must have no time limit, for the end of a process. The current lane waits for `name`.
#[track_caller]
pub fn end_of<T>(name: &str, process: u32, wait: impl FnOnce() -> T) -> T {
    wait_at(name, Location::caller(), Needs::Between(Between::EndOf(process)), wait)
}

/// The processes that have each of these ends of pipes open (the inode, and whether it is the writing end), and each of these
/// pieces of shared memory (the inode, and true). A process whose descriptors this process may not see is left out, and so is a descriptor
/// that is on its way to a process.
pub(super) fn openers(wanted: &BTreeSet<(u64, bool)>) -> BTreeMap<(u64, bool), Vec<u32>> {
    let mut found: BTreeMap<_, _> = wanted.iter().map(|&end| (end, Vec::new())).collect();
    if found.is_empty() {
        return found;
    }
    for process in processes::all() {
        for file in fs::read_dir(format!("/proc/{}/fd", process.id)).into_iter().flatten().flatten() {
            let target = fs::read_link(file.path()).unwrap_or_default();
            let target = target.to_str().unwrap_or_default();
            let pipe = target.strip_prefix("pipe:[").and_then(|it| it.strip_suffix(']')?.parse::<u64>().ok());
            let is_memory = target.starts_with("/memfd:");
            let memory = || fs::metadata(file.path()).ok().filter(|_| is_memory).map(|it| it.ino());
            let Some(inode) = pipe.or_else(memory) else { continue };
            if !wanted.iter().any(|&(it, _)| it == inode) {
                continue;
            }
            let info = file.path().to_string_lossy().replace("/fd/", "/fdinfo/");
            let writes = may_write(&fs::read_to_string(info).unwrap_or_default());
            for end in [true, false].into_iter().filter(|&end| writes.is_none_or(|it| it == end)) {
                if let Some(all) = found.get_mut(&(inode, end))
                    && !all.contains(&process.id)
                {
                    all.push(process.id);
                }
            }
        }
    }
    found
}

/// Whether a descriptor can write, as `/proc/PID/fdinfo` says; `None` if it can do both, or is closed already.
fn may_write(info: &str) -> Option<bool> {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    match i64::from_str_radix(flags.trim(), 8).ok()? & 3 {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_who_has_which_end() {
        let (reader, writer) = io::pipe().unwrap();
        let pipe = inode(&reader);
        let own = std::process::id();
        let has = |writes| openers(&[(pipe, writes)].into()).remove(&(pipe, writes)).unwrap();
        assert_eq!((has(true), has(false)), (vec![own], vec![own]));
        drop(writer);
        assert_eq!((has(true), has(false)), (vec![], vec![own]));
    }
}

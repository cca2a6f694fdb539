//! The lanes of child processes, for the report of a hang: a file in memory that a program with a deadline shares with its children.
//!
//! Each lane of a child has a slot of one page in the file, and the child writes the lane into it at each change. So the
//! program can read what a lane did last, also after the child was killed.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::process::{self, Command};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rustix::fs::{FlockOperation, MemfdFlags, flock, fstat};
use serde::{Deserialize, Serialize};

use super::Kind;
use super::between::Between;
use super::board::{Doing, LaneState, Place, locked};
use super::hang::threads;
use super::holding::{Hold, Needs};
use super::picture::full_name;
use crate::clock::Moment;
use crate::processes::Process;

/// The environment variable that names the file to a child: its path and its inode.
const BOARD: &str = "LANES_BOARD";

/// The room for a lane. A page that a process writes with one call is whole, even if a signal kills the process.
const SLOT: usize = 4096;

/// This program's file, if it has a deadline.
static OFFERED: OnceLock<File> = OnceLock::new();

/// The file of the program that has started this process.
static JOINED: OnceLock<Joined> = OnceLock::new();

#[derive(Debug)]
struct Joined {
    file: File,
    process: Process,
    name: String,
    /// The slots of lanes that have ended.
    free: Mutex<Vec<u64>>,
}

/// A lane as it stands in its slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    process: Process,
    name: String,
    number: u32,
    thread: i32,
    is_task: bool,
    entered: bool,
    has_ended: bool,
    moved: u64,
    doing: Option<ToldDoing>,
    holds: Vec<ToldHold>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ToldDoing {
    kind: Kind,
    what: String,
    place: String,
    since: u64,
    needs: Option<Between>,
    keeps_thread: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ToldHold {
    permit_of: Option<u64>,
    name: String,
    place: String,
}

/// From now on the children that this program starts tell what their lanes do.
pub fn offer() {
    if let Ok(file) = rustix::fs::memfd_create("board", MemfdFlags::CLOEXEC) {
        let _ = OFFERED.set(file.into());
    }
}

/// Whether lanes are told, by this process or to it.
pub(super) fn are_told() -> bool {
    OFFERED.get().is_some() || JOINED.get().is_some()
}

/// Names the file to a child.
pub(super) fn pass_on(child: &mut Command) {
    let Some(file) = OFFERED.get() else { return };
    if let Ok(stat) = fstat(file) {
        child.env(BOARD, format!("/proc/{}/fd/{} {}", process::id(), file.as_raw_fd(), stat.st_ino));
    }
}

/// This process, a child with this name, tells from now on what its lanes do, if the program that started it asks for that.
pub fn join(name: &str) {
    let Ok(board) = std::env::var(BOARD) else { return };
    let Some((path, inode)) = board.split_once(' ') else { return };
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { return };
    if fstat(&file).is_ok_and(|stat| stat.st_ino.to_string() == inode)
        && let Some(process) = Process::of(process::id())
    {
        let _ = JOINED.set(Joined { file, process, name: name.into(), free: Mutex::default() });
    }
}

/// The slot of a lane of this process, once it has one.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<u64>>);

impl Slot {
    /// Writes a lane into its slot. A lane that has ended gives its slot back.
    pub(super) fn write(&self, lane: impl FnOnce() -> LaneState, has_ended: bool) {
        let Some(joined) = JOINED.get() else { return };
        let mut own = locked(&self.0);
        let Some(slot) = own.or_else(|| joined.slot()) else { return };
        *own = Some(slot);
        let told = joined.told(&lane(), has_ended);
        // While there is a lane without a text, nothing is proved.
        let text = serde_json::to_vec(&told).ok().filter(|text| text.len() <= SLOT - 4).unwrap_or_default();
        let mut page = Vec::with_capacity(SLOT);
        page.extend((text.len() as u32).to_le_bytes());
        page.extend(text);
        // If it fails, the lane did not change for those who read it; there is no better answer.
        let _ = joined.file.write_all_at(&page, slot);
        if has_ended {
            *own = None;
            locked(&joined.free).push(slot);
        }
    }
}

impl Joined {
    /// A slot that no lane has.
    fn slot(&self) -> Option<u64> {
        // Locked until the end: the threads of a process share its lock of the file.
        let mut free = locked(&self.free);
        if let Some(slot) = free.pop() {
            return Some(slot);
        }
        // All children extend the same file. The lock ends with the process that holds it.
        flock(&self.file, FlockOperation::LockExclusive).ok()?;
        let grown = self.file.metadata().and_then(|it| self.file.set_len(it.len() + SLOT as u64).map(|()| it.len()));
        let _ = flock(&self.file, FlockOperation::Unlock);
        grown.ok()
    }

    fn told(&self, lane: &LaneState, has_ended: bool) -> Told {
        let doing = lane.doing.as_ref().map(|doing| ToldDoing {
            kind: doing.kind,
            what: doing.what.clone(),
            place: doing.place.to_string(),
            since: doing.since.0,
            // A task may wait for more than it says.
            needs: if let (Needs::Between(needs), false) = (&doing.needs, lane.is_task) { Some(*needs) } else { None },
            keeps_thread: doing.keeps_thread,
        });
        let hold = |hold: &Hold| ToldHold {
            permit_of: hold.permit_of,
            name: hold.name.clone(),
            place: hold.place.to_string(),
        };
        Told {
            process: self.process.clone(),
            name: full_name(true, &self.name, &lane.name),
            number: lane.number as u32,
            thread: lane.thread,
            is_task: lane.is_task,
            entered: lane.entered,
            has_ended,
            moved: Moment::now().0,
            doing,
            holds: lane.holds.iter().map(hold).collect(),
        }
    }
}

/// What the children have told.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// The lanes, also those of processes that have ended and held permits.
    pub lanes: Vec<LaneState>,
    /// The processes that are alive and have only threads with lanes, and have not moved within the time asked for.
    pub complete: BTreeSet<u32>,
}

/// What the children of this program do, if it has a deadline. A lane that has moved within the time `still` can go on.
pub(super) fn family(still: Duration) -> Family {
    let (told, is_whole) = read();
    let now = Moment::now();
    let mut family = Family::default();
    let processes: BTreeSet<&Process> = told.iter().map(|told| &told.process).collect();
    for process in processes {
        let own = || told.iter().filter(move |told| told.process == *process);
        let lives = process.is_alive();
        // Also those that have ended: what a lane has done last may reach another lane only now.
        let is_quiet = own().all(|told| told.is_still(now, still));
        let its_threads: BTreeSet<i32> =
            own().filter(|it| !it.has_ended && !it.is_task).map(|told| told.thread).collect();
        if is_whole && lives && is_quiet && threads::has_lanes_only(process.id, &its_threads) {
            family.complete.insert(process.id);
        }
        let is_told = |told: &&Told| !told.has_ended && (lives || told.holds.iter().any(|it| it.permit_of.is_some()));
        family.lanes.extend(own().filter(is_told).map(|told| told.state(now, !lives)));
    }
    family
}

/// The lanes that can be read, and whether these are all.
fn read() -> (Vec<Told>, bool) {
    let Some(file) = OFFERED.get() else { return (Vec::new(), true) };
    let mut all = Vec::new();
    let mut is_whole = true;
    let mut page = vec![0; SLOT];
    for slot in (0..file.metadata().map_or(0, |it| it.len())).step_by(SLOT) {
        if file.read_exact_at(&mut page, slot).is_err() {
            break;
        }
        let length = u32::from_le_bytes([page[0], page[1], page[2], page[3]]) as usize;
        let told = page.get(4..4 + length).and_then(|text| serde_json::from_slice(text).ok());
        // A page may be written at this moment.
        is_whole &= told.is_some();
        all.extend(told);
    }
    (all, is_whole)
}

impl Told {
    /// Whether the lane has not changed within the time `still`.
    fn is_still(&self, now: Moment, still: Duration) -> bool {
        now.since(Moment(self.moved)) >= still
    }

    fn state(&self, now: Moment, is_of_ended: bool) -> LaneState {
        let doing = self.doing.as_ref().map(|told| Doing {
            number: 0,
            kind: told.kind,
            what: told.what.clone(),
            place: Place::Found(told.place.clone()),
            since: Moment(told.since),
            needs: told.needs.map_or(Needs::Unknown, Needs::Between),
            keeps_thread: told.keeps_thread,
        });
        let hold = |told: &ToldHold| Hold {
            number: 0,
            lock: 0,
            permit_of: told.permit_of,
            name: told.name.clone(),
            is_shared: false,
            place: Place::Found(told.place.clone()),
        };
        LaneState {
            // The lanes of this process have smaller numbers. A process that has ended and a later one may have the same id.
            number: u64::from(is_of_ended) << 63 | u64::from(self.process.id) << 32 | u64::from(self.number),
            process: Some(self.process.id),
            has_ended: is_of_ended,
            name: self.name.clone(),
            is_task: self.is_task,
            entered: self.entered,
            thread: self.thread,
            thread_id: None,
            polled_by: None,
            doing,
            beside: Vec::new(),
            holds: self.holds.iter().map(hold).collect(),
            still: now.since(Moment(self.moved)),
            waking: Default::default(),
        }
    }
}

/// The name by which a report calls a process: that of its `main`, or what `ps` shows.
pub(super) fn process_name(id: u32, lanes: &[LaneState]) -> String {
    let of_lane = lanes.iter().find(|lane| lane.process == Some(id) && !lane.has_ended);
    let from_lane = of_lane.map(|lane| lane.name.split('/').next().unwrap_or_default().to_owned());
    from_lane.unwrap_or_else(|| {
        let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        format!("{} ({id})", name.trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn told() -> Told {
        Told {
            process: Process::of(process::id()).unwrap(),
            name: "lane".into(),
            number: 7,
            thread: 1,
            is_task: false,
            entered: true,
            has_ended: false,
            moved: 0,
            doing: None,
            holds: Vec::new(),
        }
    }

    #[test]
    fn a_lane_of_a_process_that_has_ended_is_none_of_a_later_process_with_the_same_id() {
        let [ended, lives] = [true, false].map(|has_ended| told().state(Moment::now(), has_ended));
        assert_eq!((ended.process, ended.has_ended, lives.has_ended), (lives.process, true, false));
        assert_ne!(ended.number, lives.number);
    }

    #[test]
    fn a_lane_is_still_from_its_last_change_on() {
        let moved = Told { moved: 1_000, ..told() };
        let state = |now| moved.state(Moment(now), false).still;
        assert_eq!((state(1_000), state(1_007)), (Duration::ZERO, Duration::from_nanos(7)));
        let is_still = |now| moved.is_still(Moment(now), Duration::from_nanos(7));
        assert_eq!((is_still(1_006), is_still(1_007)), (false, true));
        let before = Moment::now().0;
        let lane = moved.state(Moment(2_000), false);
        assert!(joined(&shared()).told(&lane, true).moved >= before, "the end of a lane is a change");
    }

    fn shared() -> File {
        rustix::fs::memfd_create("board", MemfdFlags::CLOEXEC).unwrap().into()
    }

    /// What a child has that opens the file.
    fn joined(file: &File) -> Joined {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Joined { file, process: told().process, name: "child".into(), free: Mutex::default() }
    }

    #[test]
    fn no_two_lanes_of_any_processes_have_the_same_slot() {
        const SLOTS: usize = 500;
        let file = shared();
        let children = [joined(&file), joined(&file)];
        let taken: Vec<u64> = thread::scope(|scope| {
            let of = |child| move || (0..SLOTS).map(|_| Joined::slot(child).unwrap()).collect::<Vec<_>>();
            let threads: Vec<_> = children.iter().chain(&children).map(|child| scope.spawn(of(child))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let slots: BTreeSet<u64> = taken.iter().copied().collect();
        assert_eq!((taken.len(), slots.len()), (4 * SLOTS, 4 * SLOTS));
        assert_eq!(slots.last().copied(), Some(((4 * SLOTS - 1) * SLOT) as u64));
    }
}

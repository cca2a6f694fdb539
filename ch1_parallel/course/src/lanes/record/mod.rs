//! The record of a run: what each lane of each process did.
//!
//! The record is a file in memory (memfd). It has no name in any folder, so nothing is left behind. A child process
//! opens its parent's record as `/proc/PID/fd/N`, which it finds in the environment (see [`pass_on`]). The size of the
//! record is bounded, however long the run is: the module `window` says how changes that are too short to be seen are thinned
//! out. The record always has the current state of each lane, also its end.

mod file;
mod log;
mod recorder;
mod traffic;
pub(super) mod wakes;
mod window;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::MemfdFlags;
use tracing_subscriber::layer::SubscriberExt;

use super::{State, board};
use crate::clock::{self, Moment};
pub use file::{EndEntry, MeetingEntry, MessageEntry, TrafficEntry, WakeEntry};
use file::{Entry, LaneEntry, LostEntry, Pen, ProcessEntry, Start, StateEntry, WindowEntry};
pub use log::{LaneLog, Log, ProcessLog, Stretch};
pub use traffic::{Message, note_meeting, note_message};
use window::Window;

/// The environment variable with the name of the record of the parent process.
const RECORD: &str = "LANES_RECORD";

/// A process records at most this number of lanes, and counts the other lanes: a reader could not tell them apart in a
/// picture.
const MOST_LANES: usize = 10_000;

/// A process records this number of different labels. The others get the label "...".
const MOST_STATES: usize = 10_000;

static OWN: OnceLock<Record> = OnceLock::new();

/// This process's part of the record.
struct Record {
    process: u32,
    token: u64,
    /// When the first lane of the run began; 0 before that.
    first: AtomicU64,
    /// After that, nothing is recorded any more.
    closed: AtomicBool,
    pen: Mutex<Pen>,
    states: Mutex<HashMap<State, u32>>,
    lanes: Mutex<Lanes>,
    traffic: Mutex<traffic::Traffic>,
    wakes: wakes::Wakes,
    /// Why the record is not complete.
    failed: OnceLock<io::Error>,
}

#[derive(Default)]
struct Lanes {
    all: Vec<Arc<Mutex<Lane>>>,
    /// Lanes that have ended, by name and kind: the next lane of that name continues them.
    ended: HashMap<(String, String), Vec<Arc<Mutex<Lane>>>>,
    /// How many were not recorded, and where the record says so.
    lost: Option<(u32, u64)>,
}

/// A lane's place in the record.
struct Lane {
    number: u32,
    window: Window,
    /// Where the window stands.
    place: u64,
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic in between can have left is at most an entry that has not been written.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a new record in this process and makes it the subscriber of all lanes. `rank` is the rank of this process in an MPI
/// job.
///
/// # Errors
/// The system gave no file in memory, or there is a subscriber already.
pub fn start(name: &str, rank: Option<u32>) -> io::Result<()> {
    let memory = rustix::fs::memfd_create("lanes", MemfdFlags::CLOEXEC)?;
    // The first descriptor is closed at the end of this function; those of the pen keep the file.
    let mut pen = Pen::open(&format!("/proc/self/fd/{}", memory.as_raw_fd()))?;
    let token = Moment::now().0 ^ u64::from(std::process::id()).rotate_right(16);
    pen.append(&Entry::Start(Start { token }))?;
    begin(pen, token, 0, name, rank)
}

/// Joins the record of the process that started this one. Returns `false` if there is none, or none that can be reached (a
/// process on another host has the variable, but not the file), or if that process reads another clock.
///
/// # Errors
/// There is a subscriber already, or the record cannot be written.
pub fn join(name: &str, rank: Option<u32>) -> io::Result<bool> {
    match std::env::var(RECORD) {
        Ok(record) => join_named(&record, name, rank),
        Err(_) => Ok(false),
    }
}

/// The same for a record whose name ([`name_for_others`]) came another way.
///
/// # Errors
/// Those of [`join`].
pub fn join_named(record: &str, name: &str, rank: Option<u32>) -> io::Result<bool> {
    let Some((path, token, first, clock)) = parse_name(record) else { return Ok(false) };
    if clock != clock::name() {
        return Ok(false);
    }
    let Ok(pen) = Pen::open(path) else { return Ok(false) };
    if !pen.is_of(token) {
        return Ok(false);
    }
    begin(pen, token, first, name, rank)?;
    Ok(true)
}

fn parse_name(record: &str) -> Option<(&str, u64, u64, &str)> {
    let mut words = record.splitn(4, ' ');
    Some((words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?))
}

fn begin(mut pen: Pen, token: u64, first: u64, name: &str, rank: Option<u32>) -> io::Result<()> {
    let process = std::process::id();
    pen.append(&Entry::Process(ProcessEntry { process, name: name.into(), rank }))?;
    let record = Record {
        process,
        token,
        first: first.into(),
        closed: false.into(),
        pen: pen.into(),
        states: Mutex::default(),
        lanes: Mutex::default(),
        traffic: Mutex::default(),
        wakes: wakes::Wakes::default(),
        failed: OnceLock::new(),
    };
    if OWN.set(record).is_err() {
        return Err(io::Error::other("the lanes are being recorded already"));
    }
    let subscriber = tracing_subscriber::registry().with(recorder::Recorder);
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)
}

/// The name of this process's record for another process: its path, its token, when its first lane began, and by which clock.
#[must_use]
pub fn name_for_others() -> Option<String> {
    let record = OWN.get()?;
    let path = format!("/proc/{}/fd/{}", record.process, locked(&record.pen).file().as_raw_fd());
    Some(format!("{path} {} {} {}", record.token, record.first.load(Relaxed), clock::name()))
}

/// Puts into a child's environment what it needs in order to [`join`] this process's record, and nothing else's.
pub fn pass_on(child: &mut Command) -> &mut Command {
    board::pass_on(child);
    match name_for_others() {
        Some(name) => child.env(RECORD, name),
        None => child.env_remove(RECORD),
    }
}

/// Whether this process records its lanes.
#[must_use]
pub fn is_on() -> bool {
    OWN.get().is_some()
}

/// Ends all lanes of this process in the record, because the process ends properly. Later changes are not recorded.
pub fn close() {
    let Some(record) = OWN.get() else { return };
    // Before it is closed, or nothing would be written.
    let lanes: Vec<_> = locked(&record.lanes).all.clone();
    for lane in lanes {
        record.turn(&lane, &State::Absent);
    }
    record.closed.store(true, Relaxed);
}

/// Records that process `id`, a child of this one, has ended, by a signal if it was `killed`. A lane of it that has not ended
/// was cut off by now.
pub fn note_end_of(id: u32, killed: bool) {
    if let Some(record) = OWN.get() {
        record.append(&Entry::End(EndEntry { process: id, at: Moment::now().0, killed }));
    }
}

/// All that has been recorded until now, by all processes, as bytes that [`Log::read`] understands; empty without a record.
///
/// # Errors
/// The record cannot be read.
pub fn bytes() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(record) = OWN.get() {
        let path = format!("/proc/self/fd/{}", locked(&record.pen).file().as_raw_fd());
        // Another opening has a position of its own, at the start.
        File::open(path)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// All that has been recorded until now, by all processes; nothing without a record.
///
/// # Errors
/// The record cannot be read.
pub fn log() -> io::Result<Log> {
    match OWN.get() {
        None => Ok(Log::default()),
        Some(record) => {
            let path = format!("/proc/self/fd/{}", locked(&record.pen).file().as_raw_fd());
            Log::read_twice(|| File::open(&path))
        }
    }
}

/// Adds what was recorded elsewhere (on another host) to this process's record. `renumber` gives each process of it the id that
/// it is to have here, and `by_own_clock` gives the time that this process's clock showed at a time of the other clock.
///
/// # Errors
/// The bytes are no record, or this one cannot be written.
pub fn import(bytes: &[u8], mut renumber: impl FnMut(u32) -> u32, by_own_clock: impl Fn(u64) -> u64) -> io::Result<()> {
    let Some(record) = OWN.get() else { return Ok(()) };
    let mut pen = locked(&record.pen);
    for entry in file::decode(bytes) {
        let mut entry = entry?;
        let Some(process) = entry.process_mut() else { continue };
        *process = renumber(*process);
        entry.change_clock(&by_own_clock);
        pen.append(&entry)?;
    }
    Ok(())
}

/// Why the record is not complete, if the system refused to write it.
#[must_use]
pub fn failure() -> Option<&'static io::Error> {
    OWN.get().and_then(|record| record.failed.get())
}

/// What a lane does at its beginning: a thread runs, a task has not been polled yet.
fn first_state(kind: &str) -> State {
    if kind == "thread" { State::Run(String::new()) } else { State::Idle }
}

fn kind_of(state: u32) -> u8 {
    (state % 8) as u8
}

impl Record {
    /// The number of a state. Its last three bits are its kind.
    fn number_of(&self, state: &State) -> u32 {
        let mut states = locked(&self.states);
        if let Some(&number) = states.get(state) {
            return number;
        }
        let state = match state {
            State::Wait { .. } if states.len() >= MOST_STATES => State::Wait { on: "...".into(), place: String::new() },
            State::Sleep { .. } if states.len() >= MOST_STATES => {
                State::Sleep { what: "...".into(), place: String::new() }
            }
            State::Run(_) if states.len() >= MOST_STATES => State::Run("...".into()),
            other => other.clone(),
        };
        if let Some(&number) = states.get(&state) {
            return number;
        }
        let number = states.len() as u32 * 8 + state.kind().index() as u32;
        self.append(&Entry::State(StateEntry { process: self.process, number, state: state.clone() }));
        states.insert(state, number);
        number
    }

    /// A lane of this name: a new one, or one that has ended. `None` if there are too many. A new one was spawned by the lane with the
    /// number `parent`.
    fn lane(&self, name: &str, kind: &str, parent: Option<u32>) -> Option<Arc<Mutex<Lane>>> {
        if self.closed.load(Relaxed) {
            return None;
        }
        let now = Moment::now().0;
        // Two threads may come here at once: the first one counts.
        let _ = self.first.compare_exchange(0, now, Relaxed, Relaxed);
        let mut lanes = locked(&self.lanes);
        let ended = lanes.ended.get_mut(&(name.to_owned(), kind.to_owned())).and_then(Vec::pop);
        if let Some(lane) = ended {
            drop(lanes);
            self.turn(&lane, &first_state(kind));
            return Some(lane);
        }
        if lanes.all.len() >= MOST_LANES {
            self.lose(&mut lanes);
            return None;
        }
        let number = lanes.all.len() as u32;
        let window = Window::new(now, self.number_of(&first_state(kind)));
        self.append(&Entry::Lane(LaneEntry {
            process: self.process,
            lane: number,
            name: name.into(),
            kind: kind.into(),
            parent,
        }));
        let place = self.append(&self.entry(number, &window))?;
        let lane = Arc::new(Mutex::new(Lane { number, window, place }));
        lanes.all.push(Arc::clone(&lane));
        Some(lane)
    }

    fn lose(&self, lanes: &mut Lanes) {
        let count = lanes.lost.map_or(0, |(count, _)| count) + 1;
        let entry = Entry::Lost(LostEntry { process: self.process, lanes: count });
        let place = match lanes.lost {
            Some((_, place)) => {
                self.anew(place, &entry);
                Some(place)
            }
            None => self.append(&entry),
        };
        lanes.lost = place.map(|place| (count, place));
    }

    /// The lane has ended; the next one of this name continues it.
    fn end(&self, lane: &Arc<Mutex<Lane>>, name: &str, kind: &str) {
        self.turn(lane, &State::Absent);
        locked(&self.lanes).ended.entry((name.to_owned(), kind.to_owned())).or_default().push(Arc::clone(lane));
    }

    fn turn(&self, lane: &Mutex<Lane>, state: &State) {
        if self.closed.load(Relaxed) {
            return;
        }
        let state = self.number_of(state);
        let mut lane = locked(lane);
        let next = lane.window.turn(Moment::now().0, state, self.first.load(Relaxed), kind_of);
        match next {
            Some(window) => {
                let entry = self.entry(lane.number, &window);
                lane.window = window;
                if let Some(place) = self.append(&entry) {
                    lane.place = place;
                }
            }
            None => self.anew(lane.place, &self.entry(lane.number, &lane.window)),
        }
    }

    fn entry(&self, lane: u32, window: &Window) -> Entry {
        Entry::Window(WindowEntry { process: self.process, lane, window: window.clone() })
    }

    /// A record that cannot grow must not stop the program that it watches.
    fn append(&self, entry: &Entry) -> Option<u64> {
        locked(&self.pen).append(entry).map_err(|error| self.failed.set(error)).ok()
    }

    fn anew(&self, place: u64, entry: &Entry) {
        if let Err(error) = locked(&self.pen).anew(place, entry) {
            // The first reason is enough.
            let _ = self.failed.set(error);
        }
    }
}

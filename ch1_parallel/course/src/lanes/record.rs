//! The subscriber that records lanes, and the record itself.
//!
//! The record is a file in memory (memfd) to which every process of a run appends lines of JSON, one an [`Event`]. It has
//! no name in any folder, so nothing is left behind. A child process opens its parent's record as `/proc/PID/fd/N`, which
//! it finds in the environment (see [`pass_on`]).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use rustix::fs::MemfdFlags;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::TARGET;

/// The environment variable that names the record of the parent process.
const RECORD: &str = "LANES_RECORD";

/// So many changes a process may record; later ones are counted and dropped, or a long run would fill the memory.
const MOST_EVENTS: u64 = 1_000_000;

/// A change of a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in nanoseconds of the machine's monotonic clock, which all its processes share.
    pub at: u64,
    /// The id of the process.
    pub process: u32,
    /// The number of the lane in its process.
    pub lane: u32,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// The process of this event has this name; charts sort by `order` (a rank), then by time.
    Process {
        /// The name of the process.
        name: String,
        /// Its place among the processes.
        order: u32,
    },
    /// The lane begins, idle.
    Begin {
        /// The name of the lane.
        name: String,
        /// `thread` or `task`.
        kind: String,
    },
    /// The lane is in this state from now on.
    To(State),
    /// The lane has ended.
    End,
}

/// What a lane is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Nothing.
    Idle,
    /// It runs; the label may be empty.
    Run(String),
    /// It sleeps.
    Sleep {
        /// What the sleep stands for: a pause, or work that takes this long.
        what: String,
        /// Where in the source: file and line.
        place: String,
    },
    /// It waits.
    Wait {
        /// What for.
        on: String,
        /// Where in the source: file and line.
        place: String,
    },
}

struct Record {
    file: File,
    process: u32,
    next_lane: AtomicU32,
    events: AtomicU64,
}

static OWN: OnceLock<Record> = OnceLock::new();

/// Starts a new record in this process and makes it the subscriber of all lanes.
///
/// # Errors
/// The system gave no file in memory, or there is a subscriber already.
pub fn start(name: &str, order: u32) -> io::Result<()> {
    let memory = rustix::fs::memfd_create("lanes", MemfdFlags::CLOEXEC)?;
    // Opened a second time, since appending is a property of the opening: each line goes to the end as a whole,
    // whichever process writes it. The first descriptor is closed here; the second one keeps the file.
    record_into(format!("/proc/self/fd/{}", memory.as_raw_fd()).into(), name, order)
}

/// Joins the record of the process that started this one, if it has one.
///
/// # Errors
/// The record that the environment names cannot be opened, or there is a subscriber already.
pub fn join(name: &str) -> io::Result<()> {
    match std::env::var_os(RECORD) {
        Some(path) => record_into(path.into(), name, 0),
        None => Ok(()),
    }
}

fn record_into(path: PathBuf, name: &str, order: u32) -> io::Result<()> {
    let file = File::options().read(true).append(true).open(path)?;
    let record = Record { file, process: std::process::id(), next_lane: 1.into(), events: 0.into() };
    if OWN.set(record).is_err() {
        return Err(io::Error::other("the lanes are being recorded already"));
    }
    own(|record| record.write(0, Change::Process { name: name.into(), order }));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Recorder)).map_err(io::Error::other)
}

/// Puts into a child's environment what it needs in order to [`join`] this process's record, and nothing else's.
pub fn pass_on(child: &mut Command) -> &mut Command {
    match OWN.get() {
        Some(record) => child.env(RECORD, format!("/proc/{}/fd/{}", record.process, record.file.as_raw_fd())),
        None => child.env_remove(RECORD),
    }
}

/// All that has been recorded until now, as lines of JSON; empty without a record.
///
/// # Errors
/// The record cannot be read.
pub fn lines() -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    if let Some(record) = OWN.get() {
        // Another opening has a position of its own, at the start.
        File::open(format!("/proc/self/fd/{}", record.file.as_raw_fd()))?.read_to_end(&mut lines)?;
    }
    Ok(lines)
}

/// How many changes this process did not record because there were too many.
#[must_use]
pub fn dropped() -> u64 {
    OWN.get().map_or(0, |record| record.events.load(Relaxed).saturating_sub(MOST_EVENTS))
}

/// Reads lines of JSON as [`lines`] gives them. A last line without its end is left out: its writer was killed.
///
/// # Errors
/// A line is not an event.
pub fn events(lines: &[u8]) -> io::Result<Vec<Event>> {
    let whole = lines.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    lines[..whole]
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(io::Error::from))
        .collect()
}

fn own(act: impl FnOnce(&Record)) {
    if let Some(record) = OWN.get() {
        act(record);
    }
}

impl Record {
    fn write(&self, lane: u32, change: Change) {
        if self.events.fetch_add(1, Relaxed) >= MOST_EVENTS {
            return;
        }
        let event = Event { at: now(), process: self.process, lane, change };
        if let Ok(mut line) = serde_json::to_vec(&event) {
            line.push(b'\n');
            // One call to write, so that lines of different processes never mix. A record that cannot grow
            // (no memory) must not stop the program that it watches.
            let _ = (&self.file).write(&line);
        }
    }
}

/// Nanoseconds of the machine's monotonic clock, which all its processes share.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Follows the spans of lanes, works and waits, and writes what changes.
struct Recorder;

/// Kept with the span of a lane.
struct Track {
    number: u32,
    /// Whether the span is entered: a thread's always is, a task's only while it is polled.
    entered: bool,
    /// The waits and works that have begun and not ended, the newest last.
    doing: Vec<(Id, State)>,
    last: State,
}

/// Kept with the span of a wait or a work: the span of its lane.
struct Within(Id);

impl Track {
    fn state(&self) -> State {
        match self.doing.last() {
            // A task that waits or sleeps does so between the polls.
            Some((_, blocked @ (State::Wait { .. } | State::Sleep { .. }))) => blocked.clone(),
            Some((_, running)) if self.entered => running.clone(),
            None if self.entered => State::Run(String::new()),
            _ => State::Idle,
        }
    }

    fn note(&mut self) {
        let state = self.state();
        if state != self.last {
            own(|record| record.write(self.number, Change::To(state.clone())));
            self.last = state;
        }
    }
}

fn with_track<S: for<'l> LookupSpan<'l>>(span: &SpanRef<'_, S>, change: impl FnOnce(&mut Track)) {
    if let Some(track) = span.extensions_mut().get_mut::<Track>() {
        change(track);
        track.note();
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == TARGET
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let state = match attributes.metadata().name() {
            "lane" => {
                own(|record| {
                    let number = record.next_lane.fetch_add(1, Relaxed);
                    record.write(number, Change::Begin { name: fields.label, kind: fields.kind });
                    span.extensions_mut().insert(Track {
                        number,
                        entered: false,
                        doing: Vec::new(),
                        last: State::Idle,
                    });
                });
                return;
            }
            "wait" => State::Wait { on: fields.label, place: format!("{}:{}", fields.file, fields.line) },
            "sleep" => State::Sleep { what: fields.label, place: format!("{}:{}", fields.file, fields.line) },
            _ => State::Run(fields.label),
        };
        let lane = span.scope().skip(1).find(|outer| outer.extensions().get::<Track>().is_some());
        if let Some(lane) = lane {
            with_track(&lane, |track| track.doing.push((id.clone(), state)));
            span.extensions_mut().insert(Within(lane.id()));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            with_track(&span, |track| track.entered = true);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            with_track(&span, |track| track.entered = false);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(track) = span.extensions().get::<Track>() {
            own(|record| record.write(track.number, Change::End));
        }
        let lane = span.extensions().get::<Within>().and_then(|within| context.span(&within.0));
        if let Some(lane) = lane {
            with_track(&lane, |track| track.doing.retain(|(doing, _)| *doing != id));
        }
    }
}

#[derive(Default)]
struct Fields {
    label: String,
    kind: String,
    file: String,
    line: u64,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "line" {
            self.line = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "label" => self.label = value.into(),
            "kind" => self.kind = value.into(),
            "file" => self.file = value.into(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

//! The record as bytes: a file in memory (memfd) to which every process of a run appends entries.
//!
//! An entry is a length (4 bytes), a kind (1 byte) and a body. Definitions (a process, a lane, a state) are JSON and never
//! change. A window of a lane has a fixed length, and its process writes it anew in its place at each change; so the file
//! tells at any moment what each lane is doing, also after its process was killed.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::window::{PARTS, Part, Window};
use crate::lanes::State;

/// The first entry of a file: by its token a process knows that it has opened the right one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// A number that no other record has.
    pub token: u64,
}

/// A process of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEntry {
    /// Its id.
    pub process: u32,
    /// Its name.
    pub name: String,
    /// Its rank, if it is a rank of an MPI job.
    pub rank: Option<u32>,
}

/// A lane of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneEntry {
    /// The id of its process.
    pub process: u32,
    /// Its number in the process.
    pub lane: u32,
    /// Its name.
    pub name: String,
    /// `thread` or `task`.
    pub kind: String,
    /// The number of the lane that spawned this task.
    pub parent: Option<u32>,
}

/// The number that a process has given to a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntry {
    /// The id of the process.
    pub process: u32,
    /// The number.
    pub number: u32,
    /// The state.
    pub state: State,
}

/// A window of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowEntry {
    /// The id of the process.
    pub process: u32,
    /// The number of the lane.
    pub lane: u32,
    /// The window.
    pub window: Window,
}

/// How many lanes a process did not record, because it had too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEntry {
    /// The id of the process.
    pub process: u32,
    /// The number of lanes.
    pub lanes: u32,
}

/// The end of a process, as its parent has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndEntry {
    /// The id of the process.
    pub process: u32,
    /// When, in nanoseconds of the machine's clock.
    pub at: u64,
    /// Whether a signal ended it.
    pub killed: bool,
}

/// A message, as one of its two ranks has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageEntry {
    /// The id of the process.
    pub process: u32,
    /// Whether this rank sent it; otherwise it received it.
    pub sent: bool,
    /// When, in nanoseconds of the machine's clock.
    pub at: u64,
    /// The other rank.
    pub peer: u32,
    /// The channel: messages of one channel and one tag between two ranks arrive in their order.
    pub channel: u64,
    /// The tag.
    pub tag: i32,
    /// How many messages of this channel and tag came before it.
    pub index: u64,
    /// Its size.
    pub bytes: u64,
}

/// All messages from or to another rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficEntry {
    /// The id of the process.
    pub process: u32,
    /// Whether this rank sent them; otherwise it received them.
    pub sent: bool,
    /// The other rank.
    pub peer: u32,
    /// How many.
    pub messages: u64,
    /// Their size.
    pub bytes: u64,
}

/// A call that ranks make together, as one of them has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingEntry {
    /// The id of the process.
    pub process: u32,
    /// The group of ranks.
    pub group: u64,
    /// The number of the call in the group.
    pub number: u64,
    /// The name of the call.
    pub what: String,
    /// When this rank entered, in nanoseconds of the machine's clock.
    pub from: u64,
    /// When it left.
    pub to: u64,
}

/// A lane was woken, and polled after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeEntry {
    /// The id of the process.
    pub process: u32,
    /// The number of the lane that woke it; `None` if no lane did (the executor or its timer, the system, a thread without a lane).
    pub by: Option<u32>,
    /// The number of the lane that was woken.
    pub woken: u32,
    /// When it was woken, in nanoseconds of the machine's clock.
    pub at: u64,
    /// When it was polled.
    pub polled: u64,
    /// Whether this is the first poll of a task, which the other lane has spawned.
    pub spawned: bool,
}

/// How many wakes a process did not record by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnkeptEntry {
    /// The id of the process.
    pub process: u32,
    /// The number of wakes.
    pub wakes: u64,
}

/// What stands in a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first entry.
    Start(Start),
    /// A process.
    Process(ProcessEntry),
    /// A lane.
    Lane(LaneEntry),
    /// A state.
    State(StateEntry),
    /// A window.
    Window(WindowEntry),
    /// Lanes that were not recorded.
    Lost(LostEntry),
    /// The end of a process.
    End(EndEntry),
    /// A message.
    Message(MessageEntry),
    /// The sum of messages.
    Traffic(TrafficEntry),
    /// A call that ranks make together.
    Meeting(MeetingEntry),
    /// A wake.
    Wake(WakeEntry),
    /// Wakes that were not recorded.
    Unkept(UnkeptEntry),
}

const HEAD: usize = 5;
const WINDOW: usize = 4 + 4 + 8 + 8 + 4 + 4 + 4 + PARTS * 12;
const LOST: usize = 8;
const UNKEPT: usize = 12;
const MESSAGE: usize = 4 + 1 + 8 + 4 + 8 + 4 + 8 + 8;
const TRAFFIC: usize = 4 + 1 + 4 + 8 + 8;

impl Entry {
    /// The id of the process that the entry is about.
    pub fn process_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::Start(_) => None,
            Self::Process(ProcessEntry { process, .. })
            | Self::Lane(LaneEntry { process, .. })
            | Self::State(StateEntry { process, .. })
            | Self::Window(WindowEntry { process, .. })
            | Self::End(EndEntry { process, .. })
            | Self::Message(MessageEntry { process, .. })
            | Self::Traffic(TrafficEntry { process, .. })
            | Self::Meeting(MeetingEntry { process, .. })
            | Self::Wake(WakeEntry { process, .. })
            | Self::Unkept(UnkeptEntry { process, .. })
            | Self::Lost(LostEntry { process, .. }) => Some(process),
        }
    }

    /// Replaces each time of the entry by that of another clock.
    pub fn change_clock(&mut self, to: impl Fn(u64) -> u64) {
        let change = |time: &mut u64| *time = to(*time);
        match self {
            Self::Window(WindowEntry { window, .. }) => window.change_clock(to),
            Self::End(EndEntry { at, .. }) | Self::Message(MessageEntry { at, .. }) => change(at),
            Self::Meeting(MeetingEntry { from, to, .. }) => [from, to].into_iter().for_each(change),
            Self::Wake(WakeEntry { at, polled, .. }) => [at, polled].into_iter().for_each(change),
            Self::Start(_)
            | Self::Process(_)
            | Self::Lane(_)
            | Self::State(_)
            | Self::Traffic(_)
            | Self::Unkept(_)
            | Self::Lost(_) => {}
        }
    }

    /// The bytes of the entry.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Start(start) => (0, json(start)),
            Self::Process(process) => (1, json(process)),
            Self::Lane(lane) => (2, json(lane)),
            Self::State(state) => (3, json(state)),
            Self::Window(entry) => (4, entry.encode()),
            Self::End(end) => (6, json(end)),
            Self::Message(message) => (7, message.encode()),
            Self::Traffic(traffic) => (8, traffic.encode()),
            Self::Meeting(meeting) => (9, json(meeting)),
            Self::Wake(wake) => (10, json(wake)),
            Self::Unkept(unkept) => (11, [&unkept.process.to_le_bytes()[..], &unkept.wakes.to_le_bytes()].concat()),
            Self::Lost(lost) => (5, [lost.process.to_le_bytes(), lost.lanes.to_le_bytes()].concat()),
        };
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.push(kind);
        bytes.extend(body);
        bytes
    }

    fn decode(kind: u8, body: &[u8]) -> io::Result<Self> {
        Ok(match kind {
            0 => Self::Start(parse(body)?),
            1 => Self::Process(parse(body)?),
            2 => Self::Lane(parse(body)?),
            3 => Self::State(parse(body)?),
            4 => Self::Window(WindowEntry::decode(body).ok_or_else(|| damaged("a window"))?),
            6 => Self::End(parse(body)?),
            7 if body.len() == MESSAGE => Self::Message(MessageEntry::decode(body)),
            8 if body.len() == TRAFFIC => Self::Traffic(TrafficEntry::decode(body)),
            9 => Self::Meeting(parse(body)?),
            10 => Self::Wake(parse(body)?),
            11 if body.len() == UNKEPT => {
                let mut fields = Fields(body);
                Self::Unkept(UnkeptEntry { process: fields.u32(), wakes: fields.u64() })
            }
            5 if body.len() == LOST => {
                let mut fields = Fields(body);
                Self::Lost(LostEntry { process: fields.u32(), lanes: fields.u32() })
            }
            _ => return Err(damaged("an entry")),
        })
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data is always JSON")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(io::Error::from)
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} of the record cannot be read"))
}

impl WindowEntry {
    fn encode(&self) -> Vec<u8> {
        let window = &self.window;
        let mut body = Vec::with_capacity(WINDOW);
        body.extend(self.process.to_le_bytes());
        body.extend(self.lane.to_le_bytes());
        body.extend(window.begin.to_le_bytes());
        body.extend(window.since.to_le_bytes());
        body.extend(window.state.to_le_bytes());
        body.extend(window.thinned.to_le_bytes());
        body.extend((window.parts.len() as u32).to_le_bytes());
        for part in &window.parts {
            body.extend(part.state.to_le_bytes());
            body.extend(part.nanos.to_le_bytes());
        }
        body.resize(WINDOW, 0);
        body
    }

    fn decode(body: &[u8]) -> Option<Self> {
        if body.len() != WINDOW {
            return None;
        }
        let mut fields = Fields(body);
        let (process, lane) = (fields.u32(), fields.u32());
        let (begin, since, state, thinned) = (fields.u64(), fields.u64(), fields.u32(), fields.u32());
        let count = (fields.u32() as usize).min(PARTS);
        let parts: Vec<_> = (0..count).map(|_| Part { state: fields.u32(), nanos: fields.u64() }).collect();
        Some(Self { process, lane, window: Window { begin, parts, thinned, state, since } })
    }
}

impl MessageEntry {
    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(MESSAGE);
        body.extend(self.process.to_le_bytes());
        body.push(self.sent.into());
        body.extend(self.at.to_le_bytes());
        body.extend(self.peer.to_le_bytes());
        body.extend(self.channel.to_le_bytes());
        body.extend(self.tag.to_le_bytes());
        body.extend(self.index.to_le_bytes());
        body.extend(self.bytes.to_le_bytes());
        body
    }

    /// The caller has checked the length.
    fn decode(body: &[u8]) -> Self {
        let mut fields = Fields(body);
        Self {
            process: fields.u32(),
            sent: fields.take::<1>() != [0],
            at: fields.u64(),
            peer: fields.u32(),
            channel: fields.u64(),
            tag: i32::from_le_bytes(fields.take()),
            index: fields.u64(),
            bytes: fields.u64(),
        }
    }
}

impl TrafficEntry {
    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(TRAFFIC);
        body.extend(self.process.to_le_bytes());
        body.push(self.sent.into());
        body.extend(self.peer.to_le_bytes());
        body.extend(self.messages.to_le_bytes());
        body.extend(self.bytes.to_le_bytes());
        body
    }

    /// The caller has checked the length.
    fn decode(body: &[u8]) -> Self {
        let mut fields = Fields(body);
        Self {
            process: fields.u32(),
            sent: fields.take::<1>() != [0],
            peer: fields.u32(),
            messages: fields.u64(),
            bytes: fields.u64(),
        }
    }
}

/// Reads numbers one after the other. The caller has checked the length.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (first, rest) = self.0.split_first_chunk().expect("the length has been checked");
        self.0 = rest;
        *first
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// Reads the entries of a record, one after the other: a record may be larger than what is to be made of it. An entry at the end that
/// is not whole is left out: its process was killed while it wrote.
pub fn decode(mut from: impl Read) -> impl Iterator<Item = io::Result<Entry>> {
    let mut body = Vec::new();
    std::iter::from_fn(move || {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).ok()?;
        let length = Fields(&head).u32() as usize;
        body.clear();
        if (&mut from).take(length as u64).read_to_end(&mut body).ok()? < length {
            return None;
        }
        Some(Entry::decode(head[4], &body))
    })
}

/// The two ways in which a process writes to the record.
#[derive(Debug)]
pub struct Pen {
    /// Each write goes to the end as a whole, whichever process makes it.
    append: File,
    /// Writes at any place.
    anew: File,
}

impl Pen {
    /// Writes to the file at `path`.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &str) -> io::Result<Self> {
        let append = File::options().append(true).open(path)?;
        Ok(Self { append, anew: File::options().read(true).write(true).open(path)? })
    }

    /// Whether the file is the record with this token.
    #[must_use]
    pub fn is_of(&self, token: u64) -> bool {
        let start = Entry::Start(Start { token }).encode();
        let mut found = vec![0; start.len()];
        self.anew.read_exact_at(&mut found, 0).is_ok() && found == start
    }

    /// The file, for reading.
    pub fn file(&self) -> &File {
        &self.anew
    }

    /// Appends an entry and returns its place.
    ///
    /// # Errors
    /// The system has no memory.
    pub fn append(&mut self, entry: &Entry) -> io::Result<u64> {
        let bytes = entry.encode();
        // One call, so that entries of different processes never mix.
        if self.append.write(&bytes)? < bytes.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(self.append.stream_position()? - bytes.len() as u64)
    }

    /// Writes an entry of the same length anew in its place.
    ///
    /// # Errors
    /// Those of the system.
    pub fn anew(&self, place: u64, entry: &Entry) -> io::Result<()> {
        self.anew.write_all_at(&entry.encode(), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let window = Window { begin: 5, parts: vec![Part { state: 2, nanos: 7 }; 3], thinned: 9, state: 4, since: 26 };
        let entries = [
            Entry::Start(Start { token: 77 }),
            Entry::Process(ProcessEntry { process: 1, name: "rank 3".into(), rank: Some(3) }),
            Entry::Lane(LaneEntry { process: 1, lane: 2, name: "Huey".into(), kind: "task".into(), parent: Some(1) }),
            Entry::State(StateEntry { process: 1, number: 4, state: State::Run("ü".into()) }),
            Entry::Window(WindowEntry { process: 1, lane: 2, window }),
            Entry::End(EndEntry { process: 1, at: 99, killed: true }),
            Entry::Lost(LostEntry { process: 1, lanes: 12 }),
            Entry::Message(MessageEntry {
                process: 1,
                sent: true,
                at: 7,
                peer: 3,
                channel: 1 << 40,
                tag: -1,
                index: 9,
                bytes: 1 << 33,
            }),
            Entry::Traffic(TrafficEntry { process: 1, sent: false, peer: 2, messages: 3, bytes: 24 }),
            Entry::Meeting(MeetingEntry {
                process: 1,
                group: 5,
                number: 6,
                what: "MPI_Barrier".into(),
                from: 7,
                to: 8,
            }),
            Entry::Wake(WakeEntry { process: 1, by: Some(3), woken: 2, at: 7, polled: 8, spawned: true }),
            Entry::Unkept(UnkeptEntry { process: 1, wakes: 1 << 40 }),
        ];
        let bytes: Vec<_> = entries.iter().flat_map(Entry::encode).collect();
        let all = |bytes: &[u8]| decode(bytes).collect::<io::Result<Vec<_>>>();
        assert_eq!(all(&bytes).unwrap(), entries);
        assert_eq!(all(&bytes[..bytes.len() - 1]).unwrap(), entries[..11], "the last one is not whole");
        assert!(all(&[3, 0, 0, 0, 12, 1, 2, 3]).is_err());
    }
}

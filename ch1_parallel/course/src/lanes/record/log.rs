//! A record as it is read: what each lane did, in order.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::file::{self, EndEntry, Entry, MeetingEntry, MessageEntry, TrafficEntry, WakeEntry};
use crate::lanes::State;

/// A time in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From this moment, in nanoseconds of the machine's clock.
    pub from: u64,
    /// To this one.
    pub to: u64,
    /// In this state.
    pub state: Arc<State>,
}

impl Stretch {
    /// Its length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.to.saturating_sub(self.from) as f64 / 1e9
    }
}

/// All that was recorded of a run.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The processes, in the order of their first entries.
    pub processes: Vec<ProcessLog>,
    /// The lanes, in the order in which they began.
    pub lanes: Vec<LaneLog>,
    /// How many lanes were not recorded.
    pub lost: u64,
    /// How processes ended, by their ids, as far as their parents have seen it.
    pub ends: HashMap<u32, EndEntry>,
    /// The messages that were kept.
    pub messages: Vec<MessageEntry>,
    /// The sums of all messages.
    pub traffic: Vec<TrafficEntry>,
    /// The calls that ranks made together.
    pub meetings: Vec<MeetingEntry>,
    /// Which lane woke which, in the order of the polls that followed.
    pub wakes: Vec<WakeEntry>,
    /// How many wakes were not recorded.
    pub unkept_wakes: u64,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLog {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its rank, if it is a rank of an MPI job.
    pub rank: Option<u32>,
}

/// A lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneLog {
    /// The id of its process.
    pub process: u32,
    /// Its number in the process.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// `thread` or `task`.
    pub kind: String,
    /// The number of the lane that spawned this task, in the same process.
    pub parent: Option<u32>,
    /// What it did, in order and without gaps, until `since`. The times of each state are exact. Where changes were thinned out,
    /// those of a time that is too short to be seen stand in another order.
    pub stretches: Vec<Stretch>,
    /// The first of the last stretches that are, together, too short to be seen.
    short: usize,
    /// How many changes were thinned out.
    pub thinned: u64,
    /// What it has been doing since its last change.
    pub state: Arc<State>,
    /// When that was.
    pub since: u64,
}

/// A picture has fewer columns than this: neighbours that are shorter than this part of the run are drawn as shares of their time.
const COLUMNS: u64 = 1024;

/// This number of neighbours is kept as it is, however short they are.
const FEW: usize = 8;

impl Log {
    /// Reads what [`bytes`](super::bytes) gives.
    ///
    /// # Errors
    /// The bytes are no record.
    pub fn read(bytes: &[u8]) -> io::Result<Self> {
        Self::read_twice(|| Ok(bytes))
    }

    /// Reads a record from its beginning, and then once more: a window is written anew in its place, so it may name a state that
    /// stands behind it, and only the whole record tells how long the run was.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn read_twice<R: Read>(open: impl Fn() -> io::Result<R>) -> io::Result<Self> {
        let mut log = Self::default();
        let mut states: HashMap<(u32, u32), Arc<State>> = HashMap::new();
        let (mut begin, mut end) = (u64::MAX, 0);
        for entry in file::decode(BufReader::new(open()?)) {
            match entry? {
                Entry::State(entry) => {
                    states.insert((entry.process, entry.number), Arc::new(entry.state));
                }
                Entry::Window(entry) => {
                    begin = begin.min(entry.window.begin);
                    end = end.max(entry.window.since);
                }
                _ => {}
            }
        }
        let visible = end.saturating_sub(begin) / COLUMNS;
        let idle = Arc::new(State::Idle);
        let mut lanes: HashMap<(u32, u32), usize> = HashMap::new();
        for entry in file::decode(BufReader::new(open()?)) {
            match entry? {
                Entry::Start(_) | Entry::State(_) => {}
                Entry::Process(entry) => {
                    log.processes.push(ProcessLog { id: entry.process, name: entry.name, rank: entry.rank });
                }
                Entry::Lane(entry) => {
                    lanes.insert((entry.process, entry.lane), log.lanes.len());
                    log.lanes.push(LaneLog {
                        process: entry.process,
                        number: entry.lane,
                        name: entry.name,
                        kind: entry.kind,
                        parent: entry.parent,
                        stretches: Vec::new(),
                        short: 0,
                        thinned: 0,
                        state: Arc::new(State::Absent),
                        since: 0,
                    });
                }
                Entry::End(entry) => {
                    log.ends.entry(entry.process).or_insert(entry);
                }
                Entry::Message(entry) => log.messages.push(entry),
                Entry::Traffic(entry) => log.traffic.push(entry),
                Entry::Meeting(entry) => log.meetings.push(entry),
                Entry::Wake(entry) => log.wakes.push(entry),
                Entry::Unkept(entry) => log.unkept_wakes += entry.wakes,
                Entry::Lost(entry) => log.lost += u64::from(entry.lanes),
                Entry::Window(entry) => {
                    let Some(&lane) = lanes.get(&(entry.process, entry.lane)) else { continue };
                    let lane = &mut log.lanes[lane];
                    // An unknown number can only be that of a window that was read while it was written.
                    let state = |number| states.get(&(entry.process, number)).unwrap_or(&idle).clone();
                    let mut from = entry.window.begin.max(lane.since);
                    for part in &entry.window.parts {
                        let to = (from + part.nanos).min(entry.window.since);
                        lane.push(Stretch { from, to, state: state(part.state) }, visible);
                        from = to;
                    }
                    lane.thinned += u64::from(entry.window.thinned);
                    lane.state = state(entry.window.state);
                    lane.since = entry.window.since;
                }
            }
        }
        Ok(log)
    }
}

impl LaneLog {
    /// A lane of a thread that did this.
    #[cfg(test)]
    pub fn of(process: u32, name: &str, stretches: Vec<Stretch>, state: State, since: u64) -> Self {
        let (name, kind) = (name.into(), "thread".into());
        let state = Arc::new(state);
        Self { process, number: 0, name, kind, parent: None, stretches, short: 0, thinned: 0, state, since }
    }

    /// Adds a stretch; one in the same state continues the last one. Neighbours that together are too short to be `visible` are
    /// added up by their states once there are more than a few of them.
    fn push(&mut self, stretch: Stretch, visible: u64) {
        if stretch.to <= stretch.from {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.to == stretch.from && last.state == stretch.state => last.to = stretch.to,
            _ => self.stretches.push(stretch),
        }
        // From `short` on, nothing has been added up yet.
        let last = &self.stretches[self.stretches.len() - 1];
        let first = self.stretches[self.short.min(self.stretches.len() - 1)].from;
        if last.to - first > visible {
            let end = self.stretches.len() - 1;
            self.add_up(end);
            self.short =
                if last_is_long(&self.stretches, visible) { self.stretches.len() } else { self.stretches.len() - 1 };
        }
    }

    /// Adds up the stretches from `short` to `end` by their states, in the order in which the states came.
    fn add_up(&mut self, end: usize) {
        if end.saturating_sub(self.short) <= FEW {
            return;
        }
        let mut sums: Vec<(Arc<State>, u64)> = Vec::new();
        let mut from = self.stretches[self.short].from;
        for stretch in &self.stretches[self.short..end] {
            match sums.iter_mut().find(|(state, _)| *state == stretch.state) {
                Some((_, sum)) => *sum += stretch.to - stretch.from,
                None => sums.push((stretch.state.clone(), stretch.to - stretch.from)),
            }
        }
        self.thinned += (end - self.short - sums.len()) as u64;
        let added = sums.into_iter().map(|(state, sum)| {
            let stretch = Stretch { from, to: from + sum, state };
            from = stretch.to;
            stretch
        });
        let added: Vec<_> = added.collect();
        self.stretches.splice(self.short..end, added);
    }

    /// The stretches until `end`, with what the lane has been doing since its last change.
    #[must_use]
    pub fn until(mut self, end: u64) -> Vec<Stretch> {
        self.push(Stretch { from: self.since, to: end, state: self.state.clone() }, 0);
        self.stretches
    }
}

fn last_is_long(stretches: &[Stretch], visible: u64) -> bool {
    stretches.last().is_some_and(|last| last.to - last.from > visible)
}

#[cfg(test)]
mod tests {
    use super::super::file::{LaneEntry, StateEntry, WindowEntry};
    use super::super::window::{Part, Window};
    use super::*;

    #[test]
    fn what_is_too_short_to_be_seen_is_added_up_and_no_time_is_lost() {
        let mut lane = LaneLog::of(1, "a", Vec::new(), State::Absent, 0);
        let states =
            [State::Run("".into()), State::Idle, State::Wait { on: "x".into(), place: "y:1".into() }].map(Arc::new);
        let (mut at, mut due) = (0, [0; 3]);
        for number in 0..100_000u64 {
            let kind = (number * 7 % 11 % 3) as usize;
            // Now and then a stretch that can be seen.
            let length = if number % 1000 == 0 { 5000 } else { 1 + number % 3 };
            lane.push(Stretch { from: at, to: at + length, state: states[kind].clone() }, 1000);
            at += length;
            due[kind] += length;
        }
        assert!(lane.stretches.len() < 2500, "{}", lane.stretches.len());
        assert!(lane.stretches.windows(2).all(|two| two[0].to == two[1].from), "a gap");
        for (state, due) in states.iter().zip(due) {
            let own = lane.stretches.iter().filter(|stretch| stretch.state == *state);
            assert_eq!(own.map(|stretch| stretch.to - stretch.from).sum::<u64>(), due);
        }
        assert_eq!(lane.stretches.iter().filter(|stretch| stretch.to - stretch.from >= 5000).count(), 100);
    }

    #[test]
    fn a_window_may_name_a_state_that_stands_behind_it() {
        let window = Window { begin: 10, parts: vec![Part { state: 0, nanos: 5 }], thinned: 0, state: 1, since: 15 };
        let state = |number, state| Entry::State(StateEntry { process: 1, number, state });
        let entries = [
            Entry::Lane(LaneEntry { process: 1, lane: 0, name: "Huey".into(), kind: "thread".into(), parent: None }),
            Entry::Window(WindowEntry { process: 1, lane: 0, window }),
            state(0, State::Run("race".into())),
            state(1, State::Absent),
        ];
        let log = Log::read(&entries.iter().flat_map(Entry::encode).collect::<Vec<_>>()).unwrap();
        let lane = &log.lanes[0];
        assert_eq!((&*lane.state, lane.since), (&State::Absent, 15));
        assert_eq!(lane.stretches, [Stretch { from: 10, to: 15, state: Arc::new(State::Run("race".into())) }]);
    }
}

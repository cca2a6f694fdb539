//! A record as it is read: what each lane did, in order.

use std::collections::HashMap;
use std::io;

use super::file::{self, Entry};
use crate::lanes::State;

/// A time in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From this moment, in nanoseconds of the machine's clock.
    pub from: u64,
    /// To this one.
    pub to: u64,
    /// In this state.
    pub state: State,
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
    /// When processes ended, as far as their parents have seen it.
    pub ends: HashMap<u32, u64>,
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
    /// Its name.
    pub name: String,
    /// `thread` or `task`.
    pub kind: String,
    /// What it did, in order and without gaps, until `since`. The times of each state are exact. Where changes were thinned out,
    /// those of a time that is too short to be seen stand in another order.
    pub stretches: Vec<Stretch>,
    /// How many changes were thinned out.
    pub thinned: u64,
    /// What it has been doing since its last change.
    pub state: State,
    /// When that was.
    pub since: u64,
}

impl Log {
    /// Reads what [`bytes`](super::bytes) gives.
    ///
    /// # Errors
    /// The bytes are no record.
    pub fn read(bytes: &[u8]) -> io::Result<Self> {
        let mut log = Self::default();
        let (states, entries): (Vec<_>, Vec<_>) =
            file::decode(bytes)?.into_iter().partition(|entry| matches!(entry, Entry::State(_)));
        // A window is written anew in its place, so it may name a state that stands behind it.
        let mut names: HashMap<(u32, u32), State> = HashMap::new();
        for entry in states {
            if let Entry::State(entry) = entry {
                names.insert((entry.process, entry.number), entry.state);
            }
        }
        let mut lanes: HashMap<(u32, u32), usize> = HashMap::new();
        for entry in entries {
            match entry {
                Entry::Start(_) | Entry::State(_) => {}
                Entry::Process(entry) => {
                    log.processes.push(ProcessLog { id: entry.process, name: entry.name, rank: entry.rank });
                }
                Entry::Lane(entry) => {
                    lanes.insert((entry.process, entry.lane), log.lanes.len());
                    log.lanes.push(LaneLog {
                        process: entry.process,
                        name: entry.name,
                        kind: entry.kind,
                        stretches: Vec::new(),
                        thinned: 0,
                        state: State::Absent,
                        since: 0,
                    });
                }
                Entry::End(entry) => {
                    log.ends.entry(entry.process).or_insert(entry.at);
                }
                Entry::Lost(entry) => log.lost += u64::from(entry.lanes),
                Entry::Window(entry) => {
                    let Some(&lane) = lanes.get(&(entry.process, entry.lane)) else { continue };
                    let lane = &mut log.lanes[lane];
                    // An unknown number can only be that of a window that was read while it was written.
                    let state = |number| names.get(&(entry.process, number)).cloned().unwrap_or(State::Idle);
                    let mut from = entry.window.begin.max(lane.since);
                    for part in &entry.window.parts {
                        let to = (from + part.nanos).min(entry.window.since);
                        lane.push(Stretch { from, to, state: state(part.state) });
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
    /// Adds a stretch; one in the same state continues the last one.
    fn push(&mut self, stretch: Stretch) {
        if stretch.to <= stretch.from {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.to == stretch.from && last.state == stretch.state => last.to = stretch.to,
            _ => self.stretches.push(stretch),
        }
    }

    /// The stretches until `end`, with what the lane has been doing since its last change.
    #[must_use]
    pub fn until(mut self, end: u64) -> Vec<Stretch> {
        self.push(Stretch { from: self.since, to: end, state: self.state.clone() });
        self.stretches
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::{LaneEntry, StateEntry, WindowEntry};
    use super::super::window::{Part, Window};
    use super::*;

    #[test]
    fn a_window_may_name_a_state_that_stands_behind_it() {
        let window = Window { begin: 10, parts: vec![Part { state: 0, nanos: 5 }], thinned: 0, state: 1, since: 15 };
        let state = |number, state| Entry::State(StateEntry { process: 1, number, state });
        let entries = [
            Entry::Lane(LaneEntry { process: 1, lane: 0, name: "Huey".into(), kind: "thread".into() }),
            Entry::Window(WindowEntry { process: 1, lane: 0, window }),
            state(0, State::Run("race".into())),
            state(1, State::Absent),
        ];
        let log = Log::read(&entries.iter().flat_map(Entry::encode).collect::<Vec<_>>()).unwrap();
        let lane = &log.lanes[0];
        assert_eq!((&lane.state, lane.since), (&State::Absent, 15));
        assert_eq!(lane.stretches, [Stretch { from: 10, to: 15, state: State::Run("race".into()) }]);
    }
}

//! What the chart, the SVG and the trace all draw: the stretches of every lane.

use std::collections::HashMap;

use super::record::{Change, Event, State};

/// All lanes of a run.
#[derive(Debug, Default)]
pub struct Picture {
    /// The first moment, in nanoseconds of the monotonic clock.
    pub begin: u64,
    /// The last moment.
    pub end: u64,
    /// A row a lane, ordered by process and beginning.
    pub rows: Vec<Row>,
}

/// A lane, or several of one name in one process that never overlap (the calls of a recurring task, say).
#[derive(Debug)]
pub struct Row {
    /// The id of the process.
    pub process: u32,
    /// The name of the process.
    pub process_name: String,
    /// The name of the lane.
    pub name: String,
    /// `thread` or `task`.
    pub kind: String,
    /// What the lane did, in order, without gaps inside a lane.
    pub stretches: Vec<Stretch>,
    /// The process ended before the lane did: it was killed.
    pub cut: bool,
}

/// A time in one state.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// From this moment, in nanoseconds.
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

struct Process {
    name: String,
    order: u32,
    first: u64,
    last: u64,
}

struct Open {
    row: Row,
    since: u64,
    state: State,
    ended: bool,
}

impl Picture {
    /// Puts the picture together from the events of all processes, in any order. Lanes of `own` that have not ended
    /// last until `now`; those of other processes until their process's last sign of life.
    #[must_use]
    pub fn of(mut events: Vec<Event>, own: u32, now: u64) -> Self {
        events.sort_by_key(|event| event.at);
        let mut processes: HashMap<u32, Process> = HashMap::new();
        let mut lanes: HashMap<(u32, u32), Open> = HashMap::new();
        for Event { at, process, lane, change } in events {
            let seen = processes.entry(process).or_insert_with(|| Process {
                name: process.to_string(),
                order: 0,
                first: at,
                last: at,
            });
            seen.last = at;
            match change {
                Change::Process { name, order } => (seen.name, seen.order) = (name, order),
                Change::Begin { name, kind } => {
                    let row =
                        Row { process, process_name: String::new(), name, kind, stretches: Vec::new(), cut: false };
                    lanes.insert((process, lane), Open { row, since: at, state: State::Idle, ended: false });
                }
                Change::To(state) => {
                    if let Some(open) = lanes.get_mut(&(process, lane)) {
                        open.turn(at, state);
                    }
                }
                Change::End => {
                    if let Some(open) = lanes.get_mut(&(process, lane)) {
                        open.turn(at, State::Idle);
                        open.ended = true;
                    }
                }
            }
        }

        let mut rows: Vec<Row> = Vec::new();
        for mut open in lanes.into_values() {
            let process = &processes[&open.row.process];
            if !open.ended {
                open.row.cut = open.row.process != own;
                let until = if open.row.cut { process.last } else { now };
                open.turn(until, State::Idle);
            }
            open.row.process_name.clone_from(&process.name);
            rows.push(open.row);
        }
        rows.sort_by_cached_key(|row| {
            let process = &processes[&row.process];
            (process.order, process.first, row.process, row.begin())
        });
        let mut picture = Self { begin: u64::MAX, end: 0, rows: merged(rows) };
        for row in &picture.rows {
            picture.begin = picture.begin.min(row.begin());
            picture.end = picture.end.max(row.end());
        }
        picture.begin = picture.begin.min(picture.end);
        picture
    }

    /// The length of the picture in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end - self.begin) as f64 / 1e9
    }

    /// The rows with the names to print: the process's name goes first where there is more than one process, and
    /// stands alone for its main lane.
    pub fn named(&self) -> impl Iterator<Item = (String, &Row)> {
        let several = self.rows.iter().any(|row| row.process != self.rows[0].process);
        self.rows.iter().map(move |row| {
            let name = match (several, row.name.as_str()) {
                (false, name) => name.into(),
                (true, "main") => row.process_name.clone(),
                (true, name) => format!("{}/{name}", row.process_name),
            };
            (name, row)
        })
    }
}

impl Open {
    fn turn(&mut self, at: u64, state: State) {
        if at > self.since {
            let before = std::mem::replace(&mut self.state, state);
            self.row.stretches.push(Stretch { from: self.since, to: at, state: before });
            self.since = at;
        } else {
            self.state = state;
        }
    }
}

impl Row {
    fn begin(&self) -> u64 {
        self.stretches.first().map_or(u64::MAX, |first| first.from)
    }

    fn end(&self) -> u64 {
        self.stretches.last().map_or(0, |last| last.to)
    }

    /// Seconds spent running, seconds spent waiting, and what it waited for, the longest first.
    #[must_use]
    pub fn totals(&self) -> (f64, f64, Vec<(&str, f64)>) {
        let (mut ran, mut waited) = (0.0, 0.0);
        let mut on: Vec<(&str, f64)> = Vec::new();
        for stretch in &self.stretches {
            match &stretch.state {
                State::Idle | State::Sleep { .. } => {}
                State::Run(_) => ran += stretch.seconds(),
                State::Wait { on: what, .. } => {
                    waited += stretch.seconds();
                    match on.iter_mut().find(|(name, _)| name == what) {
                        Some((_, seconds)) => *seconds += stretch.seconds(),
                        None => on.push((what, stretch.seconds())),
                    }
                }
            }
        }
        on.sort_by(|a, b| b.1.total_cmp(&a.1));
        (ran, waited, on)
    }
}

/// Joins each lane to an earlier one of the same process and name that had ended before it began.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    let mut newest: HashMap<(u32, String), Vec<usize>> = HashMap::new();
    for row in rows {
        let same = newest.entry((row.process, row.name.clone())).or_default();
        match same.iter().find(|&&index| kept[index].end() <= row.begin()) {
            Some(&index) => {
                kept[index].cut = row.cut;
                kept[index].stretches.extend(row.stretches);
            }
            None => {
                same.push(kept.len());
                kept.push(row);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: u64, process: u32, lane: u32, change: Change) -> Event {
        Event { at, process, lane, change }
    }

    fn begin(name: &str) -> Change {
        Change::Begin { name: name.into(), kind: "thread".into() }
    }

    fn run() -> Change {
        Change::To(State::Run(String::new()))
    }

    #[test]
    fn stretches_follow_the_changes_without_gaps() {
        let wait = Change::To(State::Wait { on: "lock".into(), place: "a.rs:1".into() });
        let events = vec![
            event(10, 1, 1, begin("a")),
            event(10, 1, 1, run()),
            event(30, 1, 1, wait),
            event(70, 1, 1, run()),
            event(90, 1, 1, Change::End),
        ];
        let picture = Picture::of(events, 1, 100);
        let spans: Vec<_> = picture.rows[0].stretches.iter().map(|s| (s.from, s.to)).collect();
        assert_eq!(spans, [(10, 30), (30, 70), (70, 90)]);
        assert_eq!((picture.begin, picture.end), (10, 90));
        let (ran, waited, on) = picture.rows[0].totals();
        assert_eq!((ran, waited), (40e-9, 40e-9));
        assert_eq!(on, [("lock", 40e-9)]);
    }

    #[test]
    fn a_killed_process_is_cut_at_its_last_sign_of_life() {
        let events = vec![
            event(0, 1, 1, begin("parent")),
            event(0, 1, 1, run()),
            event(5, 2, 1, begin("child")),
            event(6, 2, 1, run()),
            event(8, 2, 1, Change::To(State::Idle)),
        ];
        let picture = Picture::of(events, 1, 20);
        assert!(!picture.rows[0].cut);
        assert_eq!(picture.rows[0].end(), 20);
        assert!(picture.rows[1].cut);
        assert_eq!(picture.rows[1].end(), 8);
    }

    #[test]
    fn lanes_of_one_name_share_a_row_unless_they_overlap() {
        let mut events = Vec::new();
        for (lane, from, to) in [(1, 0, 10), (2, 10, 20), (3, 15, 30)] {
            events.push(event(from, 1, lane, begin("call")));
            events.push(event(from, 1, lane, run()));
            events.push(event(to, 1, lane, Change::End));
        }
        let picture = Picture::of(events, 1, 40);
        assert_eq!(picture.rows.len(), 2);
        assert_eq!(picture.rows[0].stretches.len(), 2);
    }
}

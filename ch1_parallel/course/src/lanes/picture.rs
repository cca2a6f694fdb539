//! What the chart, the SVG and the trace all draw: the stretches of every lane.

use std::collections::HashMap;

use super::exchange::Exchange;
use super::family::{self, Wakes};
pub use super::record::Stretch;
use super::record::{LaneLog, Log, ProcessLog};
use super::{Kind, State};

/// Tasks that are deeper than this are drawn at this depth, so that their names have room.
const DEEPEST: usize = 6;

/// All lanes of a run.
#[derive(Debug, Default)]
pub struct Picture {
    /// The first moment, in nanoseconds of the machine's clock.
    pub begin: u64,
    /// The last moment.
    pub end: u64,
    /// The rows, one for each lane, ordered by rank, process and beginning. The tasks that a lane has spawned follow it.
    pub rows: Vec<Row>,
    /// How many lanes were not recorded.
    pub lost: u64,
    /// The messages between ranks, and the calls that ranks made together.
    pub exchange: Exchange,
    /// Which lane woke which.
    pub wakes: Wakes,
}

/// A lane. Lanes of one name in one process that never overlap (the calls of a recurring task, say) share a row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The id of the process.
    pub process: u32,
    /// The rank of the process, if it is a rank of an MPI job.
    pub rank: Option<u32>,
    /// The name of the process.
    pub process_name: String,
    /// The name of the lane.
    pub name: String,
    /// `thread` or `task`.
    pub kind: String,
    /// The number of the lane in its process.
    pub number: u32,
    /// How many tasks are above this one: the task that spawned it, the task that spawned that one, and so on.
    pub depth: usize,
    /// What the lane did, in order. A gap is a time in which the lane did not exist.
    pub stretches: Vec<Stretch>,
    /// How many changes were thinned out.
    pub thinned: u64,
    /// The process ended before the lane did: it was killed.
    pub cut: bool,
}

/// How long a row was in each state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals<'row> {
    /// Seconds in each state, by [`Kind::index`].
    pub seconds: [f64; 5],
    /// What it waited for and for how many seconds, the longest wait first.
    pub waits: Vec<(&'row str, f64)>,
}

impl Totals<'_> {
    /// Seconds in the states of this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> f64 {
        self.seconds[kind.index()]
    }
}

impl Picture {
    /// Puts the picture together from the record of all processes. A lane that has not ended lasts until `now` if `lives` says
    /// that its process does. Otherwise it lasts until the end of its process, or, if no parent has seen that, until the last
    /// change that the process recorded; it is cut there if the process did not end by itself.
    #[must_use]
    pub fn of(mut log: Log, now: u64, lives: impl Fn(u32) -> bool) -> Self {
        let lanes = std::mem::take(&mut log.lanes);
        let mut first: HashMap<u32, u64> = HashMap::new();
        let mut last: HashMap<u32, u64> = HashMap::new();
        for lane in &lanes {
            let begin = lane.stretches.first().map_or(lane.since, |stretch| stretch.from);
            first.entry(lane.process).and_modify(|first| *first = begin.min(*first)).or_insert(begin);
            last.entry(lane.process).and_modify(|last| *last = lane.since.max(*last)).or_insert(lane.since);
        }
        let processes: HashMap<u32, &ProcessLog> = log.processes.iter().map(|it| (it.id, it)).collect();
        let (mut rows, mut parents): (Vec<Row>, Vec<Option<u32>>) = Default::default();
        for lane in lanes {
            let process = processes.get(&lane.process);
            let open = *lane.state != State::Absent;
            let lasts = open && lives(lane.process);
            let LaneLog { process: id, thinned, number, parent, .. } = lane;
            let (name, kind) = (lane.name.clone(), lane.kind.clone());
            let seen = log.ends.get(&id);
            let end = match (open, lasts) {
                (false, _) => lane.since,
                (true, true) => now,
                (true, false) => seen.map_or(0, |end| end.at).max(last[&id]),
            };
            // A process that ends itself in the middle of a lane was not killed.
            let cut = open && !lasts && seen.is_none_or(|end| end.killed);
            let mut stretches = lane.until(end);
            stretches.retain(|stretch| *stretch.state != State::Absent);
            parents.push(parent);
            rows.push(Row {
                process: id,
                rank: process.and_then(|process| process.rank),
                process_name: process.map_or_else(|| id.to_string(), |process| process.name.clone()),
                name,
                kind,
                number,
                depth: 0,
                stretches,
                thinned,
                cut,
            });
        }
        let rows = family::ordered(rows, &parents, |row| (row.rank, first[&row.process], row.process, row.begin()));
        let begin = rows.iter().map(Row::begin).min().unwrap_or(0);
        let end = rows.iter().map(Row::end).max().unwrap_or(0).max(begin);
        let exchange = Exchange::of(&log, &rows);
        let wakes = Wakes::of(&log, &rows);
        Self { begin: begin.min(end), end, rows, lost: log.lost, exchange, wakes }
    }

    /// The length of the picture in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end - self.begin) as f64 / 1e9
    }

    /// What the picture does not show, in one sentence; `None` if it shows all.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        let thinned: u64 = self.rows.iter().map(|row| row.thinned).sum();
        let thinned = (thinned > 0).then(|| {
            format!("{thinned} changes are too short to be drawn; the columns around them include their time")
        });
        let lost = (self.lost > 0).then(|| format!("{} more lanes were not recorded", self.lost));
        let left_out = match self.exchange.messages_left_out {
            0 => None,
            1 => Some("1 message is not drawn; the sums include it".into()),
            left_out => Some(format!("{left_out} messages are not drawn; the sums include them")),
        };
        let remarks: Vec<String> = thinned.into_iter().chain(lost).chain(left_out).collect();
        (!remarks.is_empty()).then(|| remarks.join("; "))
    }

    /// The rows with the names to print: the process's name goes first where there is more than one process, and
    /// stands alone for its main lane. A task hangs below the task that spawned it.
    pub fn named(&self) -> impl Iterator<Item = (String, &Row)> {
        let several = self.rows.iter().any(|row| row.process != self.rows[0].process);
        self.rows.iter().map(move |row| (branch(row.depth) + &full_name(several, &row.process_name, &row.name), row))
    }

    /// How much of each column of `row` was spent in each kind of state, if the picture has this number of `columns`: parts of a column,
    /// by [`Kind::index`], whose sum is 1.
    #[must_use]
    pub fn shares(&self, row: &Row, columns: usize) -> Vec<[f64; 5]> {
        let length = (self.end - self.begin).max(1) as f64;
        let place = |at: u64| (at - self.begin) as f64 / length * columns as f64;
        let mut shares = vec![[0.0; 5]; columns];
        for stretch in &row.stretches {
            let (from, to) = (place(stretch.from), place(stretch.to));
            for (column, share) in shares.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
                let part = to.min(column as f64 + 1.0) - from.max(column as f64);
                share[stretch.state.kind().index()] += part.max(0.0);
            }
        }
        for share in &mut shares {
            share[Kind::Absent.index()] = (1.0 - share.iter().sum::<f64>()).max(0.0);
        }
        shares
    }
}

/// What stands before the name of a task with this number of tasks above it.
fn branch(depth: usize) -> String {
    match depth.min(DEEPEST) {
        0 => String::new(),
        depth => "  ".repeat(depth - 1) + "└ ",
    }
}

/// The name of a lane as it is printed, if there are `several` processes or only one.
#[must_use]
pub fn full_name(several: bool, process: &str, lane: &str) -> String {
    match (several, lane) {
        (false, lane) => lane.into(),
        (true, "main") => process.into(),
        (true, lane) => format!("{process}/{lane}"),
    }
}

impl Row {
    pub(super) fn begin(&self) -> u64 {
        self.stretches.first().map_or(u64::MAX, |first| first.from)
    }

    fn end(&self) -> u64 {
        self.stretches.last().map_or(0, |last| last.to)
    }

    /// How long the row was in each state.
    #[must_use]
    pub fn totals(&self) -> Totals<'_> {
        let mut totals = Totals::default();
        for stretch in &self.stretches {
            totals.seconds[stretch.state.kind().index()] += stretch.seconds();
            if let State::Wait { on, .. } = &*stretch.state {
                match totals.waits.iter_mut().find(|(name, _)| name == on) {
                    Some((_, seconds)) => *seconds += stretch.seconds(),
                    None => totals.waits.push((on, stretch.seconds())),
                }
            }
        }
        totals.waits.sort_by(|a, b| b.1.total_cmp(&a.1));
        totals
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::record::{EndEntry, MeetingEntry, MessageEntry, TrafficEntry};
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use std::sync::Arc;

    fn lane(process: u32, name: &str, from: u64, states: &[(u64, State)]) -> LaneLog {
        let (mut at, mut stretches) = (from, Vec::new());
        let (open, states) = states.split_last().expect("a state");
        for (length, state) in states {
            stretches.push(Stretch { from: at, to: at + length, state: Arc::new(state.clone()) });
            at += length;
        }
        LaneLog::of(process, name, stretches, open.1.clone(), at)
    }

    fn run() -> State {
        State::Run(String::new())
    }

    fn wait() -> State {
        State::Wait { on: "lock".into(), place: "a.rs:1".into() }
    }

    #[test]
    fn totals_are_the_sums_of_the_stretches() {
        let lanes = vec![lane(1, "a", 10, &[(20, run()), (40, wait()), (20, run()), (0, State::Absent)])];
        let picture = Picture::of(Log { lanes, ..Log::default() }, 100, |_| true);
        let spans: Vec<_> = picture.rows[0].stretches.iter().map(|s| (s.from, s.to)).collect();
        assert_eq!(spans, [(10, 30), (30, 70), (70, 90)]);
        assert_eq!((picture.begin, picture.end), (10, 90));
        let totals = picture.rows[0].totals();
        assert_eq!((totals.of(Kind::Run), totals.of(Kind::Wait)), (40e-9, 40e-9));
        assert_eq!(totals.waits, [("lock", 40e-9)]);
    }

    #[test]
    fn a_killed_process_is_cut_at_its_last_sign_of_life_and_a_living_one_lasts_until_now() {
        let lanes = vec![
            lane(1, "parent", 0, &[(0, run())]),
            lane(2, "child", 5, &[(1, State::Idle), (2, run()), (0, State::Idle)]),
        ];
        let picture = Picture::of(Log { lanes, ..Log::default() }, 20, |process| process == 1);
        assert!(!picture.rows[0].cut && picture.rows[1].cut);
        assert_eq!((picture.rows[0].end(), picture.rows[1].end()), (20, 8));
    }

    #[test]
    fn a_process_ends_where_its_parent_saw_its_end_and_is_cut_if_it_was_killed() {
        let lanes = vec![lane(1, "parent", 0, &[(0, run())]), lane(2, "child", 5, &[(1, State::Idle), (0, wait())])];
        for killed in [true, false] {
            let ends = [(2, EndEntry { process: 2, at: 15, killed })].into();
            let picture = Picture::of(Log { lanes: lanes.clone(), ends, ..Log::default() }, 20, |process| process == 1);
            assert_eq!((picture.rows[1].cut, picture.rows[1].end()), (killed, 15));
        }
    }

    #[test]
    fn a_time_without_a_task_is_a_gap() {
        let lanes = vec![lane(1, "call", 0, &[(10, run()), (80, State::Absent), (10, run()), (0, State::Absent)])];
        let picture = Picture::of(Log { lanes, ..Log::default() }, 100, |_| true);
        assert_eq!(picture.rows[0].stretches.len(), 2);
        let drawn = crate::lanes::apportion::apportion(&picture.shares(&picture.rows[0], 10));
        assert_eq!(drawn.iter().filter(|&&kind| kind == Kind::Run).count(), 2);
        assert!(drawn[1..9].iter().all(|&kind| kind == Kind::Absent));
    }

    /// Two processes of 10 seconds. The parent waits, works, sleeps, is idle and has a recurring task, which runs for less than a
    /// pixel. The child is killed, and its first changes are thinned out.
    pub fn small_picture() -> Picture {
        const MS: u64 = 1_000_000;
        let main = [
            (2500 * MS, run()),
            (3000 * MS, wait()),
            (1000 * MS, State::Run("add <1>".into())),
            (1500 * MS, State::Sleep { what: "work".into(), place: "b.rs:2".into() }),
            (500 * MS, State::Wait { on: "a place & more".into(), place: "a.rs:2".into() }),
            (1500 * MS, State::Idle),
            (0, State::Absent),
        ];
        let task = [
            (MS, run()),
            (MS / 2, wait()),
            (MS, run()),
            (3990 * MS, State::Absent),
            (2 * MS, run()),
            (3000 * MS, State::Absent),
            (1000 * MS, wait()),
            (0, State::Absent),
        ];
        let child = [(4000 * MS, run()), (0, wait())];
        let mut lanes = vec![
            lane(7, "main", 40 * MS, &main),
            lane(7, "a recurring task of the parent", 1040 * MS, &task),
            lane(8, "main", 540 * MS, &child),
        ];
        lanes[2].thinned = 3;
        let processes = [(7, "parent"), (8, "child")];
        let processes = processes.map(|(id, name)| ProcessLog { id, name: name.into(), rank: None }).into();
        let ends = [(8, EndEntry { process: 8, at: 6040 * MS, killed: true })].into();
        Picture::of(Log { processes, lanes, lost: 2, ends, ..Log::default() }, 10_040 * MS, |process| process == 7)
    }

    #[test]
    fn a_picture_says_what_it_does_not_show() {
        let remark = |thinned, lost| {
            let mut picture = random_picture(1);
            picture.rows.iter_mut().for_each(|row| row.thinned = 0);
            picture.rows[0].thinned = thinned;
            picture.lost = lost;
            picture.remark()
        };
        let share = "changes are too short to be drawn; the columns around them include their time";
        assert_eq!(remark(0, 0), None);
        assert_eq!(remark(3, 0), Some(format!("3 {share}")));
        assert_eq!(remark(0, 2), Some("2 more lanes were not recorded".into()));
        assert_eq!(remark(1, 2), Some(format!("1 {share}; 2 more lanes were not recorded")));
    }

    #[test]
    fn the_name_of_a_process_stands_before_its_lanes_if_there_are_several_processes() {
        let names: Vec<_> = small_picture().named().map(|(name, _)| name).collect();
        assert_eq!(names, ["parent", "parent/a recurring task of the parent", "child"]);
        let alone = Picture::of(Log { lanes: vec![lane(1, "main", 0, &[(1, run())])], ..Log::default() }, 2, |_| true);
        assert_eq!(alone.named().next().unwrap().0, "main");
    }

    /// Two ranks. Rank 0 sends three messages to rank 1, of which one is not kept, and receives none of rank 1; both meet once.
    pub fn ranks_picture() -> Picture {
        const MS: u64 = 1_000_000;
        let lanes = vec![
            lane(20, "main", 0, &[(50 * MS, run()), (50 * MS, wait()), (0, State::Absent)]),
            lane(10, "main", 0, &[(20 * MS, wait()), (80 * MS, run()), (0, State::Absent)]),
        ];
        let processes = [(20, 0), (10, 1)];
        let processes =
            processes.map(|(id, rank)| ProcessLog { id, name: format!("rank {rank}"), rank: Some(rank) }).into();
        let message = |process, sent, at, tag, bytes| {
            let peer = if process == 20 { 1 } else { 0 };
            MessageEntry { process, sent, at: at * MS, peer, channel: 0, tag, index: 0, bytes }
        };
        let messages = vec![
            message(20, true, 10, 5, 8),
            message(20, true, 11, 6, 16),
            message(10, false, 30, 6, 16),
            message(10, false, 40, 5, 8),
            message(10, true, 50, 9, 4),
        ];
        let sum = |process, sent, messages, bytes| {
            let peer = if process == 20 { 1 } else { 0 };
            TrafficEntry { process, sent, peer, messages, bytes }
        };
        let traffic = vec![sum(20, true, 3, 10_024), sum(10, false, 3, 10_024), sum(10, true, 1, 4)];
        let meeting = |process, from, to| MeetingEntry {
            process,
            group: 0,
            number: 0,
            what: "MPI_Barrier".into(),
            from: from * MS,
            to: to * MS,
        };
        let meetings = vec![meeting(10, 60, 90), meeting(20, 80, 91)];
        Picture::of(Log { processes, lanes, messages, traffic, meetings, ..Log::default() }, 100 * MS, |_| true)
    }

    /// A picture of random lanes: stretches from far shorter to far longer than a column, with gaps.
    pub fn random_picture(seed: u64) -> Picture {
        let mut rng = StdRng::seed_from_u64(seed);
        let labels = ["", "a", "b", "a long label & <more>", "ü"];
        let mut lanes = Vec::new();
        for number in 0..rng.random_range(1..6u32) {
            let longest = 10f64.powf(rng.random_range(1.0..7.0)) as u64;
            let mut states = Vec::new();
            for _ in 0..rng.random_range(1..2000) {
                let label = labels[rng.random_range(0..labels.len())].to_owned();
                let state = match rng.random_range(0..5) {
                    0 => State::Absent,
                    1 => State::Idle,
                    2 => State::Run(label),
                    3 => State::Sleep { what: label, place: "s.rs:1".into() },
                    _ => State::Wait { on: label, place: "w.rs:2".into() },
                };
                states.push((rng.random_range(1..=longest), state));
            }
            states.push((0, State::Absent));
            lanes.push(lane(number % 2, &format!("lane {number}"), rng.random_range(0..1000), &states));
        }
        Picture::of(Log { lanes, ..Log::default() }, 1 << 40, |_| true)
    }
}

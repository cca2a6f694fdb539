//! Why a program does not go on: which lane waits for which.
//!
//! A lane is *released* if what it waits for can come from lanes that are released; a lane that runs or sleeps is. The other lanes are
//! stuck: nothing that any lane does can help one of them (E. G. Coffman and others, "System Deadlocks", 1971). A wait for a lock
//! needs each lane that holds it, and a wait for a message needs one of the lanes that have a sender. So a deadlock is a cycle, or
//! a knot of lanes of which each could only be helped by another one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, process};

use super::between::{self, Between};
use super::board::{self, Doing, LaneState};
use super::holding::{Channel, EndState, Needs, held};
use super::picture::full_name;
use super::{Kind, children};
use crate::processes::{descendants_of, program_name};

/// The threads of every program that belong to no lane and help none.
const HELPERS: [&str; 2] = ["ctrl-c", "deadline"];

/// A report names at most this number of lanes.
const MOST_LANES: usize = 100;

/// What the lanes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A lane runs, sleeps, or has moved a short time ago.
    GoesOn,
    /// All lanes wait, and it is not proved that none of them can go on.
    NotMoving,
    /// It is proved that some lanes can never go on.
    Deadlock,
}

/// What is known of other processes.
#[derive(Debug, Default)]
struct Others {
    /// The processes that have told all their lanes, and are quiet.
    complete: BTreeSet<u32>,
    /// Whether these are all processes that this one has started, and that they have started.
    are_all: bool,
    /// The processes that have the writing end (or the reading end) of a pipe open.
    openers: BTreeMap<(u64, bool), Vec<u32>>,
}

/// What all lanes of this process and of its children do at one moment.
#[derive(Debug)]
pub struct Lanes {
    all: Vec<LaneState>,
    /// The index of each lane, by its number.
    places: HashMap<u64, usize>,
    /// The index of the task that the thread of a lane runs, by the number of that lane.
    within: HashMap<u64, usize>,
    /// How many tasks each lane has polled last, by the number of that lane.
    polls: HashMap<u64, usize>,
    /// The lanes that hold each lock.
    holders: HashMap<usize, Vec<usize>>,
    /// The names of the tasks for whose end a lane waits as tasks that were spawned.
    spawned: HashSet<&'static str>,
    /// A lane that has moved within this time can go on.
    still: Duration,
    /// Whether no lane has moved within this time, also none that has ended.
    is_quiet: bool,
    /// Whether each thread of this process has a lane, and is quiet. Another thread could help a lane.
    is_complete: bool,
    others: Others,
    released: Vec<bool>,
}

impl Lanes {
    /// What the lanes of this process do now, and those of its children if they were asked for them
    /// ([`children::offer`]). A lane that has moved within the time `still` can go on.
    #[must_use]
    pub fn now(still: Duration) -> Self {
        let mut all = board::lanes();
        // A task may be polled by another thread than the one that has made it.
        let known: BTreeSet<i32> = all.iter().filter(|lane| !lane.is_task).map(|lane| lane.thread).collect();
        // A thread that was woken and has no core yet still seems to wait.
        let family = children::family(still, &HELPERS);
        if !family.lanes.is_empty() {
            // Then a lane is called as in a picture of several processes.
            let program = program_name();
            all.iter_mut().for_each(|lane| lane.name = full_name(true, &program, &lane.name));
        }
        all.extend(family.lanes);
        for lane in all.iter_mut().filter(|lane| !lane.is_task && !lane.has_ended && lane.still >= still) {
            if goes_on(lane.process.unwrap_or(process::id()), lane.thread) {
                lane.still = Duration::ZERO;
            }
        }
        // What a lane has done last may reach another lane only now, even if that lane has ended.
        let is_quiet = board::still() >= still;
        let is_complete = is_quiet && has_lanes_only(process::id(), &known, &HELPERS);
        let others = Others::of(&all, still, family.complete);
        Self { is_quiet, ..Self::of(all, still, is_complete, others) }
    }

    fn of(mut all: Vec<LaneState>, still: Duration, is_complete: bool, others: Others) -> Self {
        // Which lane began first is chance, and a report should not depend on it.
        all.sort_by(|one, other| one.name.cmp(&other.name));
        let released = vec![false; all.len()];
        let places = all.iter().enumerate().map(|(index, lane)| (lane.number, index)).collect();
        let entered = all.iter().enumerate().filter(|(_, lane)| lane.is_task && lane.entered);
        let within = entered.filter_map(|(index, task)| Some((task.polled_by?, index))).collect();
        let spawned =
            all.iter().flat_map(|lane| lane.doing.iter().chain(&lane.beside)).filter_map(|doing| match doing.needs {
                Needs::EndOfTask(name) => Some(name),
                _ => None,
            });
        let spawned = spawned.collect();
        let mut polls: HashMap<u64, usize> = HashMap::new();
        for by in all.iter().filter(|lane| lane.waking.polled.is_some()).filter_map(|lane| lane.polled_by) {
            *polls.entry(by).or_default() += 1;
        }
        let mut holders: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, lane) in all.iter().enumerate() {
            lane.holds.iter().for_each(|hold| holders.entry(hold.lock).or_default().push(index));
        }
        let mut lanes =
            Self { all, places, within, polls, holders, spawned, still, is_quiet: true, is_complete, others, released };
        loop {
            let next: Vec<bool> = (0..lanes.all.len()).map(|it| lanes.released[it] || lanes.can_go_on(it)).collect();
            if next == lanes.released {
                return lanes;
            }
            lanes.released = next;
        }
    }

    /// What the lanes say.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let moves = |lane: &LaneState| !lane.has_ended && (lane.still < self.still || !self.is_inactive(lane));
        if (0..self.all.len()).any(|index| self.is_stuck(index)) {
            Verdict::Deadlock
        } else if !self.is_quiet || self.all.is_empty() || self.all.iter().any(moves) || self.another_process_may_help()
        {
            Verdict::GoesOn
        } else {
            Verdict::NotMoving
        }
    }

    /// Whether a process of which too little is known has an end of a pipe open for which a lane waits.
    fn another_process_may_help(&self) -> bool {
        let others = self.others.openers.values().flatten().filter(|&&process| process != process::id());
        others.into_iter().any(|&process| !self.is_known(process))
    }

    /// Whether a lane waits for what can never come.
    fn is_stuck(&self, index: usize) -> bool {
        !self.released[index] && !self.all[index].has_ended
    }

    /// Whether a lane neither runs nor sleeps.
    fn is_inactive(&self, lane: &LaneState) -> bool {
        let sleeps = lane.doing.iter().chain(&lane.beside).any(|doing| doing.kind == Kind::Sleep);
        waits(lane).is_some() || (lane.is_task && !lane.entered && !sleeps) || self.task_within(lane).is_some()
    }

    /// The task that the thread of a lane runs.
    fn task_within(&self, lane: &LaneState) -> Option<usize> {
        self.within.get(&lane.number).copied()
    }

    fn index(&self, number: u64) -> Option<usize> {
        self.places.get(&number).copied()
    }

    fn is_released(&self, number: u64) -> bool {
        self.index(number).is_none_or(|index| self.released[index])
    }

    /// Whether a lane is released that could do something of which it is not known by which lane it is done.
    fn any_is_released(&self) -> bool {
        let is_of_this_process = |index: &usize| self.all[*index].process.is_none();
        !self.is_complete || (0..self.all.len()).filter(is_of_this_process).any(|index| self.released[index])
    }

    /// The same for what a lane of any process could do.
    fn any_process_is_released(&self) -> bool {
        !self.is_complete || !self.others.are_all || self.released.contains(&true)
    }

    fn can_go_on(&self, index: usize) -> bool {
        let lane = &self.all[index];
        if lane.has_ended {
            return false;
        }
        if lane.still < self.still {
            return true;
        }
        if self.may_be_dropped(lane) {
            return true;
        }
        self.wait_can_end(index)
            && self.task_within(lane).is_none_or(|task| self.released[task])
            && self.kept_by(lane).is_none()
    }

    /// Whether a task that can go on polls this one: it may drop it, as a time limit does.
    fn may_be_dropped(&self, lane: &LaneState) -> bool {
        let by = lane.polled_by.and_then(|by| self.index(by)).filter(|_| lane.is_task);
        by.is_some_and(|by| self.all[by].is_task && self.released[by])
    }

    /// Whether a lane does not wait, or one of its waits can end.
    fn wait_can_end(&self, index: usize) -> bool {
        let lane = &self.all[index];
        let can_end = |doing: &Doing| self.awaited(index, doing).is_none();
        waits(lane).is_none_or(|doing| {
            let may_wait_for_more = !doing.keeps_thread && self.may_wait_for_more(lane);
            can_end(doing) || may_wait_for_more || lane.beside.iter().any(can_end)
        })
    }

    /// Whether a lane may wait at the same time for something that it does not say, as in `select!`. A task has given a copy of its
    /// waker to all for which it waits. What a thread has given away is not known.
    fn may_wait_for_more(&self, lane: &LaneState) -> bool {
        let known = 1 + lane.beside.len() + self.polls.get(&lane.number).copied().unwrap_or_default();
        !lane.is_task || lane.waking.copies > known
    }

    /// The stuck lane because of which a task is not polled. A task is polled by the lane that polled it last, or by an executor in the
    /// thread of that lane; if there is no such lane, by a thread without a lane.
    fn kept_by(&self, lane: &LaneState) -> Option<Kept> {
        let mut task = lane;
        // The bound is for tasks that have polled each other.
        for _ in &self.all {
            if !task.is_task || task.entered {
                return None;
            }
            let poller = self.index(task.polled_by?)?;
            let by = &self.all[poller];
            let kept = if !can_be_woken(task) {
                // A task that was spawned is polled only when it was woken; another one, whenever its poller likes.
                let by = if self.is_spawned(task) { self.index(task.number)? } else { poller };
                Kept { by, why: Why::NoWaker }
            } else if is_abandoned(task, by) {
                Kept { by: poller, why: Why::Abandoned }
            } else if let Some(within) = self.task_within(by) {
                Kept { by: within, why: Why::Thread { of: poller } }
            } else if by.is_task && !by.entered {
                task = by;
                continue;
            } else if waits(by).is_some_and(|doing| doing.keeps_thread) {
                Kept { by: poller, why: Why::Thread { of: poller } }
            } else {
                return None;
            };
            return (!self.released[kept.by]).then_some(kept);
        }
        None
    }

    /// Whether a lane waits for the end of this task as one that was spawned.
    fn is_spawned(&self, task: &LaneState) -> bool {
        self.spawned.contains(task.name.as_str())
    }

    /// The lanes for which a lane waits, if they can never help it: it waits for all of them, or for any of them.
    fn awaited(&self, index: usize, doing: &Doing) -> Option<Vec<u64>> {
        let others = || self.all.iter().enumerate().filter(move |(other, _)| *other != index);
        let stuck = |numbers: Vec<u64>| numbers.into_iter().filter(|&it| !self.is_released(it)).collect::<Vec<_>>();
        let some = |numbers: Vec<u64>| if numbers.is_empty() { None } else { Some(numbers) };
        match &doing.needs {
            Needs::Unknown => None,
            Needs::Exclusive(lock) => some(stuck(self.holders(*lock, true))),
            Needs::Shared(lock) => {
                let writes =
                    |lane: &LaneState| matches!(waits(lane)?.needs, Needs::Exclusive(it) if it == *lock).then_some(());
                let writers = others().filter(|(_, lane)| writes(lane).is_some()).map(|(_, lane)| lane.number);
                some(stuck(self.holders(*lock, false).into_iter().chain(writers).collect()))
            }
            Needs::Message(channel) => {
                let state = channel.state();
                let is_offered = || {
                    others().any(|(_, lane)| matches!(waits(lane).map(|it| &it.needs), Some(Needs::Room(it)) if Arc::ptr_eq(it, channel)))
                };
                if state.sent > state.received || is_offered() { None } else { self.owners(&state.ends, true) }
            }
            Needs::Room(channel) => {
                let state = channel.state();
                let is_asked_for = || {
                    others().any(|(_, lane)| matches!(waits(lane).map(|it| &it.needs), Some(Needs::Message(it)) if Arc::ptr_eq(it, channel)))
                };
                let has_room = state.sent.saturating_sub(state.received) < channel.capacity as u64;
                if has_room || is_asked_for() { None } else { self.owners(&state.ends, false) }
            }
            Needs::Parties(barrier, parties) => {
                let come = self.parties_at(*barrier).len();
                (come < *parties && !self.any_is_released()).then(|| others().map(|(_, lane)| lane.number).collect())
            }
            Needs::Notification => (!self.any_is_released()).then(|| others().map(|(_, lane)| lane.number).collect()),
            Needs::EndOf(thread) => {
                let lane = self.all.iter().position(|lane| !lane.is_task && lane.thread_id == Some(*thread));
                lane.filter(|&lane| !self.released[lane]).map(|lane| vec![self.all[lane].number])
            }
            Needs::EndOfTask(name) => {
                let tasks = self.all.iter().filter(|lane| lane.is_task && lane.name == *name);
                let tasks: Vec<u64> = tasks.map(|task| task.number).collect();
                if tasks.iter().any(|&task| self.is_released(task)) { None } else { some(tasks) }
            }
            Needs::Between(Between::Bytes(pipe)) => self.openers(index, *pipe, true),
            Needs::Between(Between::Room(pipe)) => self.openers(index, *pipe, false),
            // A lane that has no permit may release one, and a lane that is no parent may end a process.
            Needs::Between(_) if self.any_process_is_released() => None,
            Needs::Between(Between::Permit(memory)) if !self.are_known(*memory, true) => None,
            Needs::Between(Between::Permit(memory)) => {
                let holds = |lane: &&LaneState| lane.holds.iter().any(|hold| hold.permit_of == Some(*memory));
                Some(self.all.iter().filter(holds).map(|lane| lane.number).collect())
            }
            Needs::Between(Between::EndOf(process)) => some(self.lanes_of(*process)),
            // A job that no lane runs may be begun by any thread of its pool.
            Needs::EndOfJob(job) => some(stuck(job.run_by().into_iter().collect())),
        }
    }

    /// The lanes of a process that is alive.
    fn lanes_of(&self, process: u32) -> Vec<u64> {
        let process = Some(process).filter(|&it| it != process::id());
        let is_its = |lane: &&LaneState| lane.process == process && !lane.has_ended;
        self.all.iter().filter(is_its).map(|lane| lane.number).collect()
    }

    /// Whether a process has told all its lanes, and is quiet.
    fn is_known(&self, process: u32) -> bool {
        if process == process::id() { self.is_complete } else { self.others.complete.contains(&process) }
    }

    /// Whether all processes are known that have this end of a pipe, or this memory, open.
    fn are_known(&self, inode: u64, writes: bool) -> bool {
        self.others.openers.get(&(inode, writes)).into_iter().flatten().all(|&process| self.is_known(process))
    }

    /// The lanes of the processes that have an end of a pipe open, if none of them can go on. If no process has it open, the system
    /// tells the lane that waits.
    fn openers(&self, waits: usize, pipe: u64, writes: bool) -> Option<Vec<u64>> {
        let processes = self.others.openers.get(&(pipe, writes)).filter(|processes| !processes.is_empty())?;
        // A process that is not known may receive the end later. A lane that can go on may kill another process, which closes the end.
        let own = self.all[waits].process.unwrap_or(process::id());
        let may_be_killed = processes.iter().any(|&process| process != own) && self.any_process_is_released();
        let lanes: Vec<u64> = processes.iter().flat_map(|&process| self.lanes_of(process)).collect();
        let is_proved = self.others.are_all
            && !may_be_killed
            && self.are_known(pipe, writes)
            && !lanes.iter().any(|&lane| self.is_released(lane));
        is_proved.then_some(lanes)
    }

    /// The lanes that hold a lock; also those that share it, if `shared`.
    fn holders(&self, lock: usize, shared: bool) -> Vec<u64> {
        let holds = |lane: &&LaneState| lane.holds.iter().any(|hold| hold.lock == lock && (shared || !hold.is_shared));
        let holders = self.holders.get(&lock).into_iter().flatten().map(|&index| &self.all[index]);
        holders.filter(holds).map(|lane| lane.number).collect()
    }

    /// The lanes that own the senders (or the receivers) among the ends of a channel, if none of them is released. An end of which
    /// no lane has said that it owns it may be owned by any lane. If there are no such ends, the channel tells the lane that waits.
    fn owners(&self, ends: &[EndState], senders: bool) -> Option<Vec<u64>> {
        let mut ends = ends.iter().filter(|end| end.sends == senders).peekable();
        ends.peek()?;
        let mut owners = Vec::new();
        for end in ends {
            let is_free = match end.owned_by {
                Some(lane) => self.is_released(lane),
                None => self.any_is_released(),
            };
            if is_free {
                return None;
            }
            owners.extend(end.owned_by.or(end.used_by).or(end.made_by));
        }
        Some(owners)
    }

    fn parties_at(&self, barrier: usize) -> Vec<&LaneState> {
        let is_there = |lane: &&LaneState| matches!(waits(lane).map(|doing| &doing.needs), Some(Needs::Parties(it, _)) if *it == barrier);
        self.all.iter().filter(is_there).collect()
    }

    /// The report: what each lane does, and why the program does not go on.
    #[must_use]
    pub fn report(&self) -> String {
        let is_proved = self.verdict() == Verdict::Deadlock;
        let mut text = match is_proved {
            true => "deadlock: these lanes can never go on:\n".to_owned(),
            false => "not moving: no lane runs; that none of them can go on is not proved:\n".to_owned(),
        };
        let told = self.all.iter().enumerate().filter(|(index, _)| !is_proved || !self.released[*index]);
        // Writing to a string cannot fail.
        for (_, lane) in told.clone().take(MOST_LANES) {
            let does =
                self.task_within(lane).map_or_else(|| does(lane), |task| format!("polls {}", self.all[task].name));
            let _ = writeln!(text, "  {} {does}", lane.name);
        }
        if told.clone().count() > MOST_LANES {
            let _ = writeln!(text, "  and {} more lanes", told.count() - MOST_LANES);
        }
        if is_proved {
            let _ = writeln!(text, "reason: {}", self.reason());
        }
        text
    }

    /// Follows the waits from a lane that is stuck, until they come back to a lane.
    fn reason(&self) -> String {
        let stuck = (0..self.all.len()).filter(|&index| self.is_stuck(index));
        let paths = stuck.map(|first| self.cycle(first));
        // The shortest one is the simplest to read.
        let cycle = paths.min_by_key(Vec::len).unwrap_or_default();
        let steps: Vec<String> = cycle.iter().map(|&(index, next)| self.step(index, next)).collect();
        let its = |index: usize| &self.all[index].name;
        match cycle.as_slice() {
            [(own, _)] => format!("{} {}", its(*own), steps[0]),
            _ => {
                let told: Vec<_> =
                    cycle.iter().zip(&steps).map(|((index, _), step)| format!("{} {step}", its(*index))).collect();
                format!("a cycle: {}", told.join("; "))
            }
        }
    }

    /// The lanes of a cycle, each with the lane for which it waits. A lane that waits for no lane is alone.
    fn cycle(&self, first: usize) -> Vec<(usize, Option<usize>)> {
        let mut path = Vec::new();
        let mut at = first;
        loop {
            let next = self.next(at);
            path.push((at, next));
            let Some(next) = next else { return path.split_off(path.len() - 1) };
            if let Some(begin) = path.iter().position(|&(index, _)| index == next) {
                return path.split_off(begin);
            }
            at = next;
        }
    }

    /// A stuck lane for which a stuck lane waits.
    fn next(&self, index: usize) -> Option<usize> {
        let lane = &self.all[index];
        if waits(lane).is_some_and(|doing| matches!(doing.needs, Needs::Parties(..) | Needs::Notification)) {
            // Any lane could help it, so none of them is the reason.
            return None;
        }
        if !self.wait_can_end(index)
            && let Some(awaited) = waits(lane).and_then(|doing| self.awaited(index, doing))
        {
            // A lane that is stuck for its own reason says more than one that only waits for the end of others.
            let stuck: Vec<_> =
                awaited.iter().filter_map(|&number| self.index(number)).filter(|&it| self.is_stuck(it)).collect();
            let joins = |&&it: &&usize| {
                matches!(
                    waits(&self.all[it]).map(|doing| &doing.needs),
                    Some(Needs::EndOf(_) | Needs::EndOfTask(_) | Needs::Between(Between::EndOf(_)))
                )
            };
            return stuck.iter().find(|it| !joins(it)).or(stuck.first()).copied();
        }
        if let Some(task) = self.task_within(lane).filter(|&task| !self.released[task]) {
            return Some(task);
        }
        // That nothing can wake a task is the reason, and not what its poller waits for.
        self.kept_by(lane).filter(|_| can_be_woken(lane)).map(|kept| kept.by)
    }

    /// What a stuck lane waits for, and why it cannot come: "waits for A at a.rs:1, which Dewey holds since a.rs:2".
    fn step(&self, index: usize, next: Option<usize>) -> String {
        let lane = &self.all[index];
        let name = |index: usize| self.all[index].name.as_str();
        if self.wait_can_end(index) {
            return match (self.kept_by(lane), next) {
                (Some(Kept { by, why: Why::Abandoned }), _) => format!("goes on only when {} polls it", name(by)),
                (Some(Kept { by, why: Why::Thread { of } }), _) if by != of => {
                    format!("goes on only in the thread of {}, which {} blocks", name(of), name(by))
                }
                (Some(Kept { why: Why::Thread { of }, .. }), _) => {
                    format!("goes on only in the thread of {}, which is blocked", name(of))
                }
                (None, Some(next)) => format!("polls {}, which blocks the thread", name(next)),
                _ => does(lane),
            };
        }
        let Some(doing) = waits(lane) else { return does(lane) };
        let (what, at) = (&doing.what, &doing.place);
        let other = next.map_or("no lane", name);
        // A reader does not wait for those who read.
        let reads = matches!(doing.needs, Needs::Shared(_));
        let its_hold = |lock: usize| {
            let holds = next.map(|next| self.all[next].holds.as_slice()).unwrap_or_default();
            holds.iter().find(|hold| hold.lock == lock && !(reads && hold.is_shared))
        };
        let itself = if next == Some(index) { "it" } else { other };
        match &doing.needs {
            Needs::Exclusive(lock) | Needs::Shared(lock) => match its_hold(*lock) {
                Some(hold) => format!("waits for {what} at {at}, which {itself} holds since {}", hold.place),
                None => format!("waits for {what} at {at}, behind {other}, which waits to write"),
            },
            Needs::Message(channel) => {
                format!("waits for a message of {what} at {at}{}", self.ends(channel, index, true))
            }
            Needs::Room(channel) => format!("waits for room in {what} at {at}{}", self.ends(channel, index, false)),
            Needs::Parties(barrier, parties) => {
                let come = self.parties_at(*barrier).len();
                format!(
                    "waits at {what} at {at}, where {come} of {parties} lanes have come, and no other lane can come"
                )
            }
            Needs::Notification => format!("waits for {what} at {at}, and no lane that could notify it can go on"),
            Needs::EndOf(_) | Needs::EndOfTask(_) => format!("waits for the end of {other} at {at}"),
            Needs::Between(between) => self.step_between(*between, doing, other),
            Needs::EndOfJob(_) => format!("waits for the end of {what} at {at}, which {other} runs"),
            Needs::Unknown => format!("waits for {what} at {at}"),
        }
    }

    /// The same for what another process would have to do.
    fn step_between(&self, between: Between, doing: &Doing, other: &str) -> String {
        let (what, at) = (&doing.what, &doing.place);
        match between {
            Between::Bytes(pipe) => {
                format!("waits for data or the end of {what} at {at}, {}", self.ends_of_pipe(pipe, true))
            }
            Between::Room(pipe) => format!("waits for room in {what} at {at}, {}", self.ends_of_pipe(pipe, false)),
            Between::Permit(memory) => {
                let holders = self.all.iter().filter_map(|lane| {
                    let hold = lane.holds.iter().find(|hold| hold.permit_of == Some(memory))?;
                    let ended = if lane.has_ended { format!(", and {} has ended", lane.name) } else { String::new() };
                    Some(format!("which {} holds since {}{ended}", lane.name, hold.place))
                });
                let holders: Vec<String> = holders.collect();
                let holders = if holders.is_empty() { "which no lane holds".into() } else { holders.join(", and ") };
                format!("waits for {what} at {at}, {holders}")
            }
            Between::EndOf(_) => format!("waits for the end of {other} at {at}"),
        }
    }

    /// Which processes have an end of a pipe open: "whose writing end is open only in seq".
    fn ends_of_pipe(&self, pipe: u64, writes: bool) -> String {
        let end = if writes { "writing" } else { "reading" };
        let is_alone = self.all.iter().all(|lane| lane.process.is_none());
        let name = |&id: &u32| match id == process::id() {
            true if is_alone => "this process".into(),
            true => program_name(),
            false => children::process_name(id, &self.all),
        };
        let processes: Vec<String> = self.others.openers.get(&(pipe, writes)).into_iter().flatten().map(name).collect();
        let made = between::made_at(pipe).map(|place| format!(" (made at {place})")).unwrap_or_default();
        format!("whose {end} end is open only in {}{made}", processes.join(" and "))
    }

    /// Who owns the ends of a channel: ", whose sender belongs to Dewey (made at a.rs:1)".
    fn ends(&self, channel: &Channel, own: usize, senders: bool) -> String {
        let state = channel.state();
        let role = if senders { "sender" } else { "receiver" };
        let name = |number: &u64| match self.index(*number) {
            Some(index) if index == own => "this lane".into(),
            Some(index) => self.all[index].name.clone(),
            None => "a lane that has ended".into(),
        };
        let mut text = String::new();
        for end in state.ends.iter().filter(|end| end.sends == senders) {
            let owner = end.owned_by.or(end.used_by).or(end.made_by).map_or("no lane".into(), |lane| name(&lane));
            let use_of = if end.used_by.is_none() { ", never used" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(text, ", and a {role} is owned by {owner} (made at {}{use_of})", end.place);
        }
        text
    }
}

impl Others {
    fn of(all: &[LaneState], still: Duration, complete: BTreeSet<u32>) -> Self {
        let waits = all.iter().filter(|lane| !lane.has_ended && lane.still >= still).filter_map(waits);
        let needed = waits.filter_map(|doing| match doing.needs {
            Needs::Between(needs) => Some(needs),
            _ => None,
        });
        let needed: BTreeSet<Between> = needed.collect();
        if needed.is_empty() {
            return Self::default();
        }
        let wanted = |needs: &Between| match needs {
            Between::Bytes(pipe) => Some((*pipe, true)),
            Between::Room(pipe) => Some((*pipe, false)),
            Between::Permit(memory) => Some((*memory, true)),
            Between::EndOf(_) => None,
        };
        let wanted = needed.iter().filter_map(wanted).collect();
        let are_all = descendants_of(process::id()).iter().all(|process| complete.contains(&process.id));
        Self { complete, are_all, openers: between::openers(&wanted) }
    }
}

/// What a lane waits for while it neither runs nor can be polled.
fn waits(lane: &LaneState) -> Option<&Doing> {
    let doing = lane.doing.as_ref().filter(|doing| doing.kind == Kind::Wait)?;
    (doing.keeps_thread || !lane.is_task || !lane.entered).then_some(doing)
}

/// Why a task is not polled.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Nothing can wake it.
    NoWaker,
    /// It, or a task that polls it, was woken, and the lane that polled it before does not poll it.
    Abandoned,
    /// The thread of this lane, which polls it, is blocked.
    Thread { of: usize },
}

/// A task is not polled because of a stuck lane.
#[derive(Clone, Copy, Debug)]
struct Kept {
    by: usize,
    why: Why,
}

/// Whether a task was woken, was never polled, or has left a copy of its waker.
fn can_be_woken(task: &LaneState) -> bool {
    task.entered || task.waking.copies > 0 || task.waking.woken.is_some() || task.waking.polled.is_none()
}

/// Whether a task was woken, and the task that polled it before has been polled since and has not polled it.
fn is_abandoned(task: &LaneState, by: &LaneState) -> bool {
    by.is_task && !by.entered && task.waking.woken.is_some() && task.waking.woken < by.waking.polled
}

/// "waits for A at a.rs:1; it holds B since a.rs:2".
fn does(lane: &LaneState) -> String {
    let wake = match lane.is_task && !lane.entered {
        true if !can_be_woken(lane) => ", and nothing can wake it: no copy of its waker is left",
        true if lane.waking.woken.is_some() => ", was woken, and is not polled",
        _ => "",
    };
    let held = format!("{wake}{}", held(&lane.holds));
    if lane.has_ended {
        return format!("has ended{held}");
    }
    match &lane.doing {
        Some(doing) if doing.kind == Kind::Wait => format!("waits for {} at {}{held}", doing.what, doing.place),
        Some(doing) if doing.kind == Kind::Sleep => format!("sleeps ({}) at {}{held}", doing.what, doing.place),
        Some(doing) => format!("runs ({}) at {}{held}", doing.what, doing.place),
        None if lane.is_task && !lane.entered && wake.is_empty() => format!("is not polled{held}"),
        None if lane.is_task && !lane.entered => format!("waits{held}"),
        None => format!("runs{held}"),
    }
}

/// Whether a thread does not sleep, as proc(5) says. A thread that has said that it will sleep, or that it will wait for a child,
/// is in state S (`/proc/PID/stat`), but may run or wait for a core; `/proc/PID/syscall` tells that.
fn goes_on(process: u32, thread: i32) -> bool {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/task/{thread}/{file}")).unwrap_or_default();
    // The name stands in parentheses, and may contain some.
    let sleeps = read("stat").rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('S'));
    !sleeps || read("syscall").starts_with("running")
}

/// Whether all threads of a process have lanes, but for the helpers.
pub(super) fn has_lanes_only(process: u32, known: &BTreeSet<i32>, helpers: &[&str]) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return false };
    threads.flatten().all(|thread| {
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        let number = thread.file_name().to_str().and_then(|number| number.parse().ok());
        helpers.contains(&name.trim_end()) || number.is_some_and(|number| known.contains(&number))
    })
}

#[cfg(test)]
mod tests {
    use super::super::board::Place;
    use super::super::holding::{Hold, Job};
    use super::super::waking::WakingState;
    use super::*;
    use crate::clock::Moment;

    const STILL: Duration = Duration::from_secs(1);

    fn place(line: u32) -> Place {
        Place::Found(format!("a.rs:{line}"))
    }

    /// The lane of a thread that has run for a long time.
    fn runs(number: u64, name: &str) -> LaneState {
        LaneState {
            number,
            name: name.into(),
            is_task: false,
            entered: true,
            thread: number as i32,
            process: None,
            has_ended: false,
            thread_id: Some(std::thread::spawn(|| ()).thread().id()),
            polled_by: None,
            doing: None,
            beside: Vec::new(),
            holds: Vec::new(),
            still: 2 * STILL,
            waking: WakingState::default(),
        }
    }

    fn waits(number: u64, name: &str, needs: Needs) -> LaneState {
        LaneState { doing: Some(waits_for(needs)), ..runs(number, name) }
    }

    fn waits_for(needs: Needs) -> Doing {
        Doing::of(Kind::Wait, "it", place(1), Moment(0), needs, true)
    }

    /// A task that is not polled, by the lane `by`.
    fn task(number: u64, name: &str, by: Option<u64>) -> LaneState {
        LaneState { is_task: true, entered: false, polled_by: by, ..runs(number, name) }
    }

    fn holds(lane: LaneState, lock: usize, is_shared: bool) -> LaneState {
        let name = format!("lock {lock}");
        let hold = Hold { number: 0, lock, permit_of: None, name, is_shared, place: place(2) };
        LaneState { holds: vec![hold], ..lane }
    }

    fn stuck(all: &[LaneState]) -> Vec<String> {
        let lanes = Lanes::of(all.to_vec(), STILL, true, Others::default());
        let stuck = lanes.all.iter().zip(&lanes.released).filter(|(_, released)| !**released);
        stuck.map(|(lane, _)| lane.name.clone()).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn a_cycle_of_locks_is_a_deadlock() {
        let all = [
            holds(waits(0, "a", Needs::Exclusive(8)), 7, false),
            holds(waits(1, "b", Needs::Exclusive(7)), 8, false),
            waits(2, "c", Needs::Exclusive(7)),
            runs(3, "d"),
        ];
        assert_eq!(stuck(&all), ["a", "b", "c"]);
        let lanes = Lanes::of(all.to_vec(), STILL, true, Others::default());
        assert_eq!(lanes.verdict(), Verdict::Deadlock);
        let report = lanes.report();
        let cycle = "reason: a cycle: a waits for it at a.rs:1, which b holds since a.rs:2; b waits for it at a.rs:1, which a holds \
                     since a.rs:2\n";
        assert!(report.ends_with(cycle) && !report.contains("  d "), "{report}");
        // A holder that has moved lately, or that runs, can release its lock.
        let mut moved = all.clone();
        moved[0].still = STILL / 2;
        assert_eq!(stuck(&moved), NONE);
        assert_eq!(stuck(&[holds(runs(0, "a"), 7, false), waits(1, "b", Needs::Exclusive(7))]), NONE);
    }

    #[test]
    fn a_reader_waits_for_writers_and_not_for_readers() {
        let reader = |needs| holds(waits(0, "reader", needs), 7, true);
        assert_eq!(stuck(&[reader(Needs::Shared(7)), waits(1, "writer", Needs::Exclusive(7))]), ["reader", "writer"]);
        assert_eq!(stuck(&[reader(Needs::Shared(7)), waits(1, "other", Needs::Shared(7))]), NONE);
        assert_eq!(stuck(&[holds(waits(0, "writer", Needs::Shared(7)), 7, false)]), ["writer"]);
        // A lane that reads and wants to write keeps later readers out, and waits for itself.
        let upgrades = holds(waits(1, "upgrades", Needs::Exclusive(7)), 7, true);
        let lanes = Lanes::of(vec![waits(0, "reader", Needs::Shared(7)), upgrades], STILL, true, Others::default());
        assert!(
            lanes.step(0, Some(1)).ends_with(", behind upgrades, which waits to write"),
            "{}",
            lanes.step(0, Some(1))
        );
    }

    #[test]
    fn what_any_lane_can_do_needs_one_lane_that_can_go_on() {
        for needs in [Needs::Notification, Needs::Parties(5, 3)] {
            assert_eq!(stuck(&[waits(0, "a", needs.clone()), runs(1, "b")]), NONE);
            assert_eq!(stuck(&[waits(0, "a", needs.clone()), waits(1, "b", Needs::Notification)]), ["a", "b"]);
            // A thread without a lane may do it.
            let lanes = Lanes::of(vec![waits(0, "a", needs)], STILL, false, Others::default());
            assert_eq!(lanes.verdict(), Verdict::NotMoving);
        }
        let all = [0, 1].map(|number| waits(number, "a", Needs::Parties(5, 2)));
        assert_eq!(stuck(&all), NONE, "all have come");
    }

    #[test]
    fn a_wait_of_which_nothing_is_known_is_no_deadlock() {
        let lanes = Lanes::of(vec![waits(0, "a", Needs::Unknown)], STILL, true, Others::default());
        assert_eq!(lanes.verdict(), Verdict::NotMoving);
        assert!(lanes.report().starts_with("not moving: "), "{}", lanes.report());
        let lanes = Lanes::of(vec![waits(0, "a", Needs::Unknown), runs(1, "b")], STILL, true, Others::default());
        assert_eq!(lanes.verdict(), Verdict::GoesOn);
        assert_eq!(Lanes::of(Vec::new(), STILL, true, Others::default()).verdict(), Verdict::GoesOn);
    }

    #[test]
    fn the_end_of_a_stuck_thread_does_not_come() {
        let stuck_thread = holds(waits(1, "b", Needs::Exclusive(7)), 7, false);
        let all = [waits(0, "a", Needs::EndOf(stuck_thread.thread_id.unwrap())), stuck_thread];
        assert_eq!(stuck(&all), ["a", "b"]);
        assert!(Lanes::of(all.to_vec(), STILL, true, Others::default()).report().contains("reason: b waits for it"));
        let of_ended = runs(1, "b").thread_id.unwrap();
        assert_eq!(stuck(&[waits(0, "a", Needs::EndOf(of_ended))]), NONE);
    }

    #[test]
    fn the_end_of_a_job_needs_the_lane_that_runs_it() {
        let job = |by| Needs::EndOfJob(Arc::new(Job::of(by)));
        let waits_for_job = |by| holds(waits(0, "a", job(by)), 7, false);
        let needs_lock = waits(1, "b", Needs::Exclusive(7));
        let all = [waits_for_job(Some(1)), needs_lock.clone()];
        assert_eq!(stuck(&all), ["a", "b"]);
        let report = Lanes::of(all.to_vec(), STILL, true, Others::default()).report();
        let cycle = "reason: a cycle: a waits for the end of it at a.rs:1, which b runs; b waits for it at a.rs:1, which a holds since \
                     a.rs:2\n";
        assert!(report.ends_with(cycle), "{report}");
        assert_eq!(stuck(&[waits_for_job(None), needs_lock.clone()]), NONE, "a thread of the pool may begin the job");
        assert_eq!(stuck(&[waits_for_job(Some(2)), needs_lock, runs(2, "c")]), NONE, "the job goes on");
    }

    #[test]
    fn a_task_needs_its_poller() {
        // The thread runs a task that waits for a lock, and the task that holds it would be polled by the same thread.
        let blocks = LaneState { is_task: true, polled_by: Some(0), ..waits(1, "blocks", Needs::Exclusive(7)) };
        let holds_it = |by| holds(task(2, "holds", by), 7, false);
        assert_eq!(stuck(&[runs(0, "main"), blocks.clone(), holds_it(Some(0))]), ["blocks", "holds", "main"]);
        // A task that another thread may poll can go on.
        assert_eq!(stuck(&[runs(0, "main"), blocks, holds_it(None)]), NONE);
    }

    #[test]
    fn a_future_that_its_task_no_longer_polls_holds_what_the_task_waits_for() {
        let doing = Some(Doing::of(Kind::Wait, "it", place(1), Moment(0), Needs::Exclusive(7), false));
        let waking = |copies, polled, woken: Option<u64>| WakingState {
            copies,
            polled: Some(Moment(polled)),
            woken: woken.map(Moment),
        };
        let awaits = |copies, polled| LaneState {
            doing: doing.clone(),
            waking: waking(copies, polled, None),
            ..task(1, "awaits", Some(0))
        };
        let left = |woken| LaneState { waking: waking(1, 1, woken), ..holds(task(2, "left", Some(1)), 7, false) };
        // The two copies of the task's waker belong to the lock and to the future that is left.
        assert_eq!(stuck(&[runs(0, "main"), awaits(2, 5), left(Some(4))]), ["awaits", "left"]);
        assert_eq!(
            stuck(&[runs(0, "main"), awaits(3, 5), left(Some(4))]),
            NONE,
            "the task may wait for something else"
        );
        assert_eq!(stuck(&[runs(0, "main"), awaits(2, 3), left(Some(4))]), NONE, "the task was not polled since");
        assert_eq!(stuck(&[runs(0, "main"), awaits(2, 5), left(None)]), NONE, "the future was not woken");
    }

    /// A lane of another process.
    fn of_process(process: u32, lane: LaneState) -> LaneState {
        LaneState { process: Some(process), number: u64::from(process) << 32 | lane.number, ..lane }
    }

    /// The lanes that are stuck if only this process and process 2 exist, and have these ends of pipes open: the pipe, whether it is
    /// the writing end, and the process.
    fn stuck_with(all: &[LaneState], ends: &[(u64, bool, u32)]) -> Vec<String> {
        let mut others = Others { complete: [2].into(), are_all: true, ..Others::default() };
        for &(pipe, writes, process) in ends {
            others.openers.entry((pipe, writes)).or_default().push(process);
        }
        let lanes = Lanes::of(all.to_vec(), STILL, true, others);
        let stuck = (0..lanes.all.len()).filter(|&index| lanes.is_stuck(index));
        stuck.map(|index| lanes.all[index].name.clone()).collect()
    }

    #[test]
    fn a_pipe_needs_a_process_that_has_its_other_end() {
        let own = process::id();
        let (bytes, room) = (Needs::Between(Between::Bytes(5)), Needs::Between(Between::Room(6)));
        let reads = || waits(0, "reads", bytes.clone());
        assert_eq!(stuck_with(&[reads()], &[(5, true, own)]), ["reads"]);
        assert_eq!(stuck_with(&[reads()], &[]), NONE, "the system tells it the end");
        assert_eq!(stuck_with(&[reads()], &[(5, true, own), (5, true, 3)]), NONE, "process 3 is not known");
        assert_eq!(stuck(&[reads()]), NONE, "another process may receive the end");
        assert_eq!(stuck_with(&[reads(), runs(1, "runs")], &[(5, true, own)]), NONE);
        let writes = of_process(2, waits(0, "writes", room.clone()));
        let both = [reads(), writes.clone()];
        assert_eq!(stuck_with(&both, &[(5, true, 2), (6, false, own)]), ["reads", "writes"]);
        assert_eq!(stuck_with(&both, &[(5, true, 2), (6, false, own), (6, false, 3)]), NONE);
        assert_eq!(stuck_with(&[reads(), of_process(2, runs(0, "runs"))], &[(5, true, 2)]), NONE);
        let kills = runs(1, "kills");
        assert_eq!(stuck_with(&[reads(), writes.clone(), kills], &[(5, true, 2), (6, false, own)]), NONE);
        let moved = LaneState { still: STILL / 2, ..writes };
        assert_eq!(stuck_with(&[reads(), moved], &[(5, true, 2), (6, false, own)]), NONE);
    }

    #[test]
    fn a_permit_may_be_released_by_any_lane_that_can_go_on() {
        let waits_for = waits(0, "waits", Needs::Between(Between::Permit(9)));
        let permit = Hold::of_permit(9, "permit", std::panic::Location::caller());
        let holder = LaneState { holds: vec![permit], ..of_process(2, runs(0, "holder")) };
        let killed = LaneState { has_ended: true, ..holder.clone() };
        let all = [waits_for.clone(), killed.clone()];
        assert_eq!(stuck_with(&all, &[]), ["waits"]);
        let others = Others { are_all: true, ..Others::default() };
        let report = Lanes::of(all.to_vec(), STILL, true, others).report();
        assert!(report.contains("\n  holder has ended; it holds permit since "), "{report}");
        assert!(report.contains("reason: waits waits for it at a.rs:1, which holder holds since "), "{report}");
        assert!(report.ends_with(", and holder has ended\n"), "{report}");
        assert_eq!(stuck_with(&[waits_for.clone(), holder], &[]), NONE);
        assert_eq!(stuck_with(&[waits_for.clone(), killed, runs(1, "runs")], &[]), NONE);
        // A process that has told nothing may release it.
        assert_eq!(stuck_with(std::slice::from_ref(&waits_for), &[(9, true, 3)]), NONE);
        assert_eq!(stuck(&[waits_for]), NONE);
    }

    #[test]
    fn the_end_of_a_stuck_process_does_not_come() {
        let joins = waits(0, "joins", Needs::Between(Between::EndOf(2)));
        let child = of_process(2, waits(0, "child", Needs::Between(Between::Bytes(5))));
        let own = [(5, true, process::id())];
        assert_eq!(stuck_with(&[joins.clone(), child.clone()], &own), ["child", "joins"]);
        assert_eq!(stuck_with(&[joins.clone(), child, runs(1, "kills")], &own), NONE);
        assert_eq!(stuck_with(&[joins], &own), NONE, "it has ended");
    }

    #[test]
    fn polls_in_a_circle_end() {
        let all = [task(0, "a", Some(1)), task(1, "b", Some(0))];
        assert_eq!(stuck(&all), NONE);
    }
}

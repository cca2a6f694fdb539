//! Why a program does not go on: which lane waits for which.
//!
//! A lane is *released* if what it waits for can come from lanes that are released; a lane that runs or sleeps is. The other lanes are
//! stuck: nothing that any lane does can help one of them (E. G. Coffman and others, "System Deadlocks", 1971). A wait for a lock
//! needs each lane that holds it, and a wait for a message needs one of the lanes that have a sender. So a deadlock is a cycle, or
//! a knot of lanes of which each could only be helped by another one of them.

mod report;
#[cfg(test)]
mod tests;
pub(super) mod threads;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use super::between::{self, Between};
use super::board::{self, Doing, LaneState};
use super::holding::{EndState, Needs};
use super::picture::full_name;
use super::{Kind, children};
use crate::processes::{descendants_of, program_name};
use threads::{all_sleep, goes_on, has_lanes_only};

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
    /// The processes that have an end of a pipe open (the inode, and whether it is the writing end), or shared memory (the inode, and
    /// true).
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
    /// Whether no lane has moved within this time, also none that has ended, and no thread of this process computes or waits for a
    /// core, also none without a lane: it may be about to begin one.
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
        let family = children::family(still);
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
        let is_quiet = board::still() >= still && all_sleep(process::id());
        let is_complete = is_quiet && has_lanes_only(process::id(), &known);
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

    /// Whether no lane sleeps or has moved within the time, and no thread computes or waits for a core. Then no other lane is about to
    /// wait for those that are stuck.
    #[must_use]
    pub fn are_settled(&self) -> bool {
        let is_settled = |lane: &LaneState| lane.still >= self.still && !sleeps(lane);
        self.is_quiet && self.all.iter().all(|lane| lane.has_ended || is_settled(lane))
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
        waits(lane).is_some() || (lane.is_task && !lane.entered && !sleeps(lane)) || self.task_within(lane).is_some()
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
        // A process that is not known may receive the end later. A lane that can go on may kill another process: that one waits no
        // longer then, and its ends are closed.
        let is_child = |&process: &u32| process != process::id();
        let has_children = self.all[waits].process.is_some() || processes.iter().any(is_child);
        let may_be_killed = has_children && self.any_process_is_released();
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
        // Which end was made first is chance, and a report should not depend on it.
        owners.sort_by_key(|&lane| self.index(lane));
        Some(owners)
    }

    fn parties_at(&self, barrier: usize) -> Vec<&LaneState> {
        let is_there = |lane: &&LaneState| matches!(waits(lane).map(|doing| &doing.needs), Some(Needs::Parties(it, _)) if *it == barrier);
        self.all.iter().filter(is_there).collect()
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

fn sleeps(lane: &LaneState) -> bool {
    lane.doing.iter().chain(&lane.beside).any(|doing| doing.kind == Kind::Sleep)
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

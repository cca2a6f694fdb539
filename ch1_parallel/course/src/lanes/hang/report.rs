//! The report of a hang, in words: what each lane does, and the reason why the lanes that are stuck never go on.

use std::fmt::Write;
use std::process;

use super::super::between::{self, Between};
use super::super::board::{Doing, LaneState};
use super::super::holding::{Channel, Needs, held};
use super::super::{Kind, children};
use super::{Kept, Lanes, Verdict, Why, can_be_woken, waits};
use crate::processes::program_name;

/// A report names at most this number of lanes.
const MOST_LANES: usize = 100;

impl Lanes {
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
    pub(super) fn step(&self, index: usize, next: Option<usize>) -> String {
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

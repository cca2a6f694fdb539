//! Which rank waits for which rank, and whether any rank can still go on.
//!
//! A call that waits for one rank, or for all of several, is an AND: a cycle of such waits is a deadlock. A receive from any source,
//! or a wait for any of several requests, is an OR: there a rank is stuck only if each rank that could help it is stuck (a *knot*).
//! Both follow from one rule: a rank is *released* if what its call needs can come from released ranks; the ranks that are never
//! released are deadlocked (E. G. Coffman and others, "System Deadlocks", 1971; T. Hilbrich and others, "MPI runtime error
//! detection with MUST", 2012).

use std::collections::BTreeMap;
use std::fmt::Write;

use super::state::{Blocked, Operation, OperationKind, Rank};

/// What the states of all ranks say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The job may go on by itself: a process outside this world can help a rank.
    MayGoOn,
    /// A message or a collective has all ranks that it needs. It is being transferred, or the transfer hangs.
    Transfers,
    /// These ranks are stuck. `proved`: nothing that any rank does can help one of them.
    Stuck {
        /// Whether that is proved of at least one rank.
        proved: bool,
    },
}

/// The report has a line for each of at most this number of ranks.
const MOST_RANKS: usize = 128;

/// The waits of all ranks of a job, each of which is in a call of MPI or has come to its end.
#[derive(Debug)]
pub struct Graph<'ranks> {
    ranks: &'ranks [Rank],
    released: Vec<bool>,
}

impl<'ranks> Graph<'ranks> {
    /// Finds out which ranks can still be released.
    pub fn of(ranks: &'ranks [Rank]) -> Self {
        let mut graph = Self { ranks, released: vec![false; ranks.len()] };
        loop {
            let next: Vec<bool> = (0..ranks.len()).map(|rank| graph.released[rank] || graph.can_go_on(rank)).collect();
            if next == graph.released {
                return graph;
            }
            graph.released = next;
        }
    }

    /// What the states say.
    pub fn verdict(&self) -> Verdict {
        let calls =
            || self.ranks.iter().enumerate().flat_map(|(rank, it)| it.calls.iter().map(move |call| (rank, call)));
        let from_outside =
            |call: &Blocked| call.operations.iter().any(|it| it.kind == OperationKind::Other(Vec::new()));
        if calls().any(|(_, call)| from_outside(call)) {
            return Verdict::MayGoOn;
        }
        let certain = || calls().filter(|(_, call)| call.certain);
        let operations = || certain().flat_map(|(rank, call)| call.operations.iter().map(move |it| (rank, it)));
        // A disk may be slow for any time.
        if operations().any(|(rank, it)| it.function.starts_with("MPI_File_") && self.is_in_transfer(rank, it)) {
            return Verdict::MayGoOn;
        }
        if operations().any(|(rank, operation)| self.is_in_transfer(rank, operation)) {
            return Verdict::Transfers;
        }
        Verdict::Stuck { proved: (0..self.ranks.len()).any(|rank| self.is_stuck(rank)) }
    }

    fn is_stuck(&self, rank: usize) -> bool {
        !self.released[rank] && !self.ranks[rank].finalized
    }

    fn can_go_on(&self, rank: usize) -> bool {
        let state = &self.ranks[rank];
        !state.finalized && (state.calls.is_empty() || state.calls.iter().any(|call| self.can_return(rank, call)))
    }

    fn can_return(&self, rank: usize, call: &Blocked) -> bool {
        let mut can = call.operations.iter().map(|operation| self.can_complete(rank, operation));
        // Some of several requests may be complete already, and only the others are waited for: which ones is not known.
        if call.any || !call.certain { call.operations.is_empty() || can.any(|can| can) } else { can.all(|can| can) }
    }

    fn can_complete(&self, rank: usize, operation: &Operation) -> bool {
        match &operation.kind {
            OperationKind::Send(to) => self.meets(rank, operation, *to) || self.is_released(*to),
            OperationKind::Receive(from) => {
                from.iter().any(|&from| self.meets(rank, operation, from) || self.is_released(from))
            }
            OperationKind::Collective { synchronizing, .. } => {
                let missing = self.missing(operation);
                let released = |rank: &u32| self.is_released(*rank);
                match (missing.is_empty(), synchronizing) {
                    (true, _) => self.differing(operation).is_empty(),
                    (false, true) => missing.iter().all(released),
                    // It needs some of them, and which ones is the library's affair.
                    (false, false) => missing.iter().any(released),
                }
            }
            OperationKind::Other(ranks) => {
                ranks.is_empty() || ranks.iter().any(|&other| other as usize != rank && self.is_released(other))
            }
        }
    }

    fn is_released(&self, rank: u32) -> bool {
        self.released.get(rank as usize).is_some_and(|&released| released)
    }

    /// Whether `other` has an operation under way that matches this one of `rank`.
    fn meets(&self, rank: usize, operation: &Operation, other: u32) -> bool {
        let other_state = self.ranks.get(other as usize);
        other_state.is_some_and(|it| it.under_way.iter().any(|its| fits(rank, operation, other as usize, its)))
    }

    /// Whether a message or a collective has all the ranks that it needs, for certain.
    fn is_in_transfer(&self, rank: usize, operation: &Operation) -> bool {
        let waits_for_it = |other: u32| {
            let calls = self.ranks.get(other as usize).into_iter().flat_map(|it| &it.calls);
            let mut certain = calls.filter(|call| call.certain).flat_map(|call| &call.operations);
            certain.any(|its| fits(rank, operation, other as usize, its))
        };
        match &operation.kind {
            OperationKind::Send(to) => waits_for_it(*to),
            OperationKind::Receive(from) => from.iter().any(|&from| waits_for_it(from)),
            OperationKind::Collective { .. } => {
                self.missing(operation).is_empty() && self.differing(operation).is_empty()
            }
            // All ranks are in the same call, so none of them waits for another one to come.
            OperationKind::Other(ranks) => {
                needs_all(operation) && ranks.iter().all(|&other| self.is_in(other, operation))
            }
        }
    }

    /// Whether a rank is in the same call, of the same communicator.
    fn is_in(&self, rank: u32, operation: &Operation) -> bool {
        let calls = self.ranks.get(rank as usize).into_iter().flat_map(|it| &it.calls);
        let mut its = calls.flat_map(|call| &call.operations);
        its.any(|it| it.function == operation.function && it.communicator == operation.communicator)
    }

    /// The ranks that have not entered the collective.
    fn missing(&self, operation: &Operation) -> Vec<u32> {
        let OperationKind::Collective { number, members, .. } = &operation.kind else { return Vec::new() };
        let has_entered = |rank: u32| {
            let counts = self.ranks.get(rank as usize).into_iter().flat_map(|it| &it.collectives);
            counts.into_iter().any(|begun| begun.communicator == operation.communicator && begun.count > *number)
        };
        members.iter().copied().filter(|&rank| !has_entered(rank)).collect()
    }

    /// The ranks that have called something else in place of this collective: another function, or with another root.
    fn differing(&self, operation: &Operation) -> Vec<u32> {
        let OperationKind::Collective { members, root, .. } = &operation.kind else { return Vec::new() };
        let differs = |rank: u32| {
            self.in_place_of(operation, rank)
                .is_some_and(|(function, its)| *function != operation.function || its != root)
        };
        members.iter().copied().filter(|&rank| differs(rank)).collect()
    }

    /// What a rank has called in the place of this collective.
    fn in_place_of(&self, operation: &Operation, rank: u32) -> Option<&(String, Option<i32>)> {
        let OperationKind::Collective { number, .. } = &operation.kind else { return None };
        let begun = &self.ranks.get(rank as usize)?.collectives;
        begun.iter().find(|begun| begun.communicator == operation.communicator)?.get(*number)
    }

    /// The ranks for which this rank waits, the first of its operations that cannot complete.
    fn awaited(&self, rank: usize) -> Option<(&Blocked, &Operation, Vec<u32>)> {
        let calls = &self.ranks[rank].calls;
        let call = calls.first()?;
        let operation = call.operations.iter().find(|operation| !self.can_complete(rank, operation))?;
        let ranks = match &operation.kind {
            OperationKind::Send(to) => vec![*to],
            OperationKind::Receive(from) if from.len() > 1 => {
                from.iter().copied().filter(|&it| it as usize != rank).collect()
            }
            OperationKind::Receive(from) => from.clone(),
            OperationKind::Collective { .. } => match self.missing(operation) {
                missing if missing.is_empty() => self.differing(operation),
                missing => missing,
            },
            OperationKind::Other(ranks) => {
                let others: Vec<u32> = ranks.iter().copied().filter(|&it| it as usize != rank).collect();
                // Those that will never come explain most, then those that are elsewhere.
                let of = |choose: &dyn Fn(u32) -> bool| others.iter().copied().filter(|&it| choose(it)).collect();
                let gone: Vec<u32> = of(&|it| self.ranks[it as usize].finalized);
                let elsewhere: Vec<u32> = of(&|it| !self.is_in(it, operation));
                let choices = if needs_all(operation) { [gone, elsewhere] } else { [Vec::new(), Vec::new()] };
                choices.into_iter().find(|ranks| !ranks.is_empty()).unwrap_or(others)
            }
        };
        Some((call, operation, ranks))
    }

    /// The report: what each rank does, and why the job does not go on.
    pub fn report(&self, seconds: f64) -> String {
        let proved = self.verdict() == Verdict::Stuck { proved: true };
        let gist = if proved { "deadlock: the job cannot go on" } else { "hang: the job has not moved" };
        let mut text = format!("{gist}; no rank has entered or left a call of MPI for {seconds} s\n");
        for (rank, state) in self.ranks.iter().enumerate().take(MOST_RANKS) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {}", line_of(rank, state));
        }
        if self.ranks.len() > MOST_RANKS {
            let _ = writeln!(text, "  and {} more ranks", self.ranks.len() - MOST_RANKS);
        }
        let _ = writeln!(text, "reason: {}", self.reason());
        text
    }

    fn reason(&self) -> String {
        self.different_collectives().or_else(|| self.absent_from_collective()).or_else(|| self.path()).unwrap_or_else(
            || "not known: each call still has what it needs, as far as can be seen from outside MPI".into(),
        )
    }

    /// Ranks that are in different calls in place of one collective.
    fn different_collectives(&self) -> Option<String> {
        let (rank, operation) = self.operations().find(|(_, operation)| !self.differing(operation).is_empty())?;
        let other = *self.differing(operation).first()?;
        let (function, root) = self.in_place_of(operation, other)?;
        let root = root.map(|root| format!(" (root {root})")).unwrap_or_default();
        Some(format!(
            "rank {rank} is in {}, and rank {other} has called {function}{root} in its place: all ranks of a communicator must call \
             the same collectives in the same order, with the same root",
            described(operation)
        ))
    }

    /// A collective that some ranks have entered and others never will.
    fn absent_from_collective(&self) -> Option<String> {
        self.operations().filter(|(rank, operation)| !self.can_complete(*rank, operation)).find_map(|(_, operation)| {
            let missing = self.missing(operation);
            let OperationKind::Collective { members, .. } = &operation.kind else { return None };
            let gone: Vec<u32> = missing.iter().copied().filter(|&rank| self.ranks[rank as usize].finalized).collect();
            if gone.is_empty() {
                return None;
            }
            let entered: Vec<u32> = members.iter().copied().filter(|rank| !missing.contains(rank)).collect();
            let (have, gone_have) =
                (if entered.len() == 1 { "has" } else { "have" }, if gone.len() == 1 { "has" } else { "have" });
            Some(format!(
                "{} {have} entered {}, and {} {gone_have} come to the end without it",
                listed(&entered),
                described(operation),
                listed(&gone)
            ))
        })
    }

    /// The operations for which the ranks wait.
    fn operations(&self) -> impl Iterator<Item = (usize, &Operation)> {
        let calls = self.ranks.iter().enumerate().flat_map(|(rank, it)| it.calls.iter().map(move |call| (rank, call)));
        calls.flat_map(|(rank, call)| call.operations.iter().map(move |operation| (rank, operation)))
    }

    /// Follows the waits from a rank that is stuck, until they meet the end of a rank or close a cycle.
    fn path(&self) -> Option<String> {
        let paths: Vec<Path<'_>> =
            (0..self.ranks.len()).filter(|&rank| self.is_stuck(rank)).map(|rank| self.follow(rank)).collect();
        // The shortest one is the simplest to read, and the end of a rank explains more than a cycle.
        let ends = paths.iter().filter(|path| path.gone.is_some()).min_by_key(|path| path.steps.len());
        let path = ends.or_else(|| paths.iter().min_by_key(|path| path.steps.len()))?;
        if let (Some(gone), Some(last)) = (&path.gone, path.steps.last()) {
            let (have, their) = if gone.len() == 1 { ("has", "its") } else { ("have", "their") };
            return Some(format!(
                "rank {} {}, but {} {have} come to {their} end (MPI_Finalize)",
                last.rank,
                waits_in_short(last.call, last.operation, last.next),
                listed(gone)
            ));
        }
        let steps: Vec<String> = path
            .steps
            .iter()
            .map(|step| format!("rank {} {}", step.rank, waits_in_short(step.call, step.operation, step.next)))
            .collect();
        let alternatives = path.steps.iter().any(|step| step.alternatives);
        let is_knot =
            if alternatives { "a knot, since each rank that could help one of them is stuck too" } else { "a cycle" };
        match path.steps.as_slice() {
            [] => None,
            [own] if own.next == Some(own.rank) => Some(format!("{}: it waits for itself", steps[0])),
            [one, other] => Some(format!(
                "{is_knot}: {}{}",
                steps.join("; "),
                near_miss(one.operation, other.operation).unwrap_or_default()
            )),
            _ => Some(format!("{is_knot}: {}", steps.join("; "))),
        }
    }

    fn follow(&self, from: usize) -> Path<'_> {
        let mut steps: Vec<Step<'_>> = Vec::new();
        let mut rank = from;
        loop {
            if let Some(begin) = steps.iter().position(|step| step.rank == rank) {
                // What leads to the cycle is not a part of it.
                steps.drain(..begin);
                return Path { steps, gone: None };
            }
            let Some((call, operation, ranks)) = self.awaited(rank) else { return Path { steps, gone: None } };
            let all_gone = !ranks.is_empty() && ranks.iter().all(|&rank| self.ranks[rank as usize].finalized);
            // A rank that is stuck, if there is one.
            let next = ranks.iter().copied().find(|&rank| self.is_stuck(rank as usize)).or(ranks.first().copied());
            let next = next.map(|rank| rank as usize);
            let alternatives = call.any || matches!(&operation.kind, OperationKind::Receive(from) if from.len() > 1);
            steps.push(Step { rank, call, operation, alternatives, next });
            match next {
                Some(_) if all_gone => return Path { steps, gone: Some(ranks) },
                Some(next) => rank = next,
                None => return Path { steps, gone: None },
            }
        }
    }
}

/// The report that hosts are gone, each with its ranks: what the ranks of the other hosts do, as far as they have answered.
pub fn report_of_gone_hosts(gone: &BTreeMap<&str, Vec<u32>>, states: &BTreeMap<u32, Rank>, seconds: f64) -> String {
    let hosts = gone.keys().copied().collect::<Vec<_>>().join(", ");
    let mut text = format!("host gone: {hosts}: no answer for {seconds} s\n");
    for (rank, state) in states.iter().take(MOST_RANKS) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}", line_of(*rank as usize, state));
    }
    for (host, ranks) in gone {
        let (run, does) = if ranks.len() == 1 { ("runs", "does") } else { ("run", "do") };
        let _ = writeln!(text, "  {} {run} on {host} and {does} not answer", listed(ranks));
    }
    let _ = writeln!(text, "reason: the network to {hosts} is cut, or the host has failed");
    text
}

/// What a rank does: "rank 2 on node1 waits in MPI_Recv from rank 5 (tag 0, 8 B, MPI_COMM_WORLD) at ring.rs:40".
fn line_of(rank: usize, state: &Rank) -> String {
    let does = match (state.finalized, state.calls.as_slice()) {
        (true, _) => "has come to its end (MPI_Finalize)".into(),
        (false, []) => "is in no call of MPI".into(),
        (false, calls) => calls.iter().map(waits).collect::<Vec<_>>().join("; another thread "),
    };
    match state.host.as_str() {
        "" => format!("rank {rank} {does}"),
        host => format!("rank {rank} on {host} {does}"),
    }
}

/// Waits that follow each other.
struct Path<'ranks> {
    steps: Vec<Step<'ranks>>,
    /// The ranks at which they end, because these have come to their end.
    gone: Option<Vec<u32>>,
}

struct Step<'ranks> {
    rank: usize,
    call: &'ranks Blocked,
    /// The first of its operations that cannot complete.
    operation: &'ranks Operation,
    /// Whether another rank could help as well.
    alternatives: bool,
    next: Option<usize>,
}

/// Whether an operation waits for all of its ranks to call the same function. One on a window waits for some of them.
fn needs_all(operation: &Operation) -> bool {
    !operation.function.starts_with("MPI_Win_") && operation.function != "MPI_Buffer_detach"
}

/// Whether a send of one rank and a receive of the other one match.
fn fits(rank: usize, operation: &Operation, other: usize, its: &Operation) -> bool {
    if operation.communicator != its.communicator {
        return false;
    }
    let tags = operation.tag.is_none() || its.tag.is_none() || operation.tag == its.tag;
    match (&operation.kind, &its.kind) {
        (OperationKind::Send(to), OperationKind::Receive(from)) => {
            tags && *to as usize == other && from.iter().any(|&from| from as usize == rank)
        }
        (OperationKind::Receive(from), OperationKind::Send(to)) => {
            tags && *to as usize == rank && from.iter().any(|&from| from as usize == other)
        }
        _ => false,
    }
}

/// What keeps a send and a receive of the same two ranks apart.
fn near_miss(one: &Operation, other: &Operation) -> Option<String> {
    let (send, receive) = match (&one.kind, &other.kind) {
        (OperationKind::Send(_), OperationKind::Receive(_)) => (one, other),
        (OperationKind::Receive(_), OperationKind::Send(_)) => (other, one),
        _ => return None,
    };
    if send.communicator != receive.communicator {
        let (to, from) = (communicator(send), communicator(receive));
        return Some(format!("; the message is sent on {to}, and the receive is on {from}"));
    }
    let (sent, received) = (send.tag?, receive.tag?);
    (sent != received).then(|| format!("; the message has tag {sent}, and the receive waits for tag {received}"))
}

/// "waits in MPI_Recv from rank 5 (tag 0, 8 B, MPI_COMM_WORLD) at ring.rs:40".
fn waits(call: &Blocked) -> String {
    format!("waits in {} at {}", what(call), place(call))
}

/// The same in short, where the line of the rank stands above: "waits in MPI_Recv from rank 5 at ring.rs:40". `next` is a rank that
/// has not entered a collective.
fn waits_in_short(call: &Blocked, operation: &Operation, next: Option<usize>) -> String {
    let what = match operation.function == call.function {
        true => call.function.clone(),
        false => format!("{} for {}", call.function, operation.function),
    };
    let of_collective = match (&operation.kind, next) {
        (OperationKind::Collective { .. }, Some(next)) => {
            format!(" ({}), which rank {next} has not entered,", communicator(operation))
        }
        _ => String::new(),
    };
    format!("waits in {what}{}{of_collective} at {}", peers(operation), place(call))
}

fn communicator(operation: &Operation) -> &str {
    if operation.name.is_empty() { "MPI_COMM_WORLD" } else { &operation.name }
}

fn place(call: &Blocked) -> &str {
    call.place.as_deref().unwrap_or("a place that is not known")
}

/// What a call waits for: "MPI_Recv from rank 5 (tag 0, 8 B, MPI_COMM_WORLD)".
#[must_use]
pub fn what(call: &Blocked) -> String {
    match call.operations.as_slice() {
        [own] if own.function == call.function => described(own),
        [send, receive] if send.function == call.function && receive.function == call.function => {
            format!("{}{} ({}) and{} ({})", call.function, peers(send), details(send), peers(receive), details(receive))
        }
        [] => call.function.clone(),
        several => {
            let of = if call.any { "any of " } else { "" };
            let shown: Vec<String> = several.iter().take(5).map(described).collect();
            let more = if several.len() > 5 { format!(" and {} more", several.len() - 5) } else { String::new() };
            format!("{} for {of}{}{more}", call.function, shown.join(", "))
        }
    }
}

/// "MPI_Recv from rank 5 (tag 0, 8 B, MPI_COMM_WORLD)".
pub fn described(operation: &Operation) -> String {
    let details = details(operation);
    let details = if details.is_empty() { details } else { format!(" ({details})") };
    format!("{}{}{details}", operation.function, peers(operation))
}

/// " from rank 5".
fn peers(operation: &Operation) -> String {
    match &operation.kind {
        OperationKind::Send(to) => format!(" to rank {to}"),
        OperationKind::Receive(from) if from.len() == 1 => format!(" from rank {}", from[0]),
        OperationKind::Receive(_) => " from any source".into(),
        OperationKind::Collective { .. } | OperationKind::Other(_) => String::new(),
    }
}

/// "tag 0, 8 B, MPI_COMM_WORLD".
fn details(operation: &Operation) -> String {
    let mut details = Vec::new();
    match (&operation.kind, operation.tag) {
        (OperationKind::Send(_) | OperationKind::Receive(_), Some(tag)) => details.push(format!("tag {tag}")),
        (OperationKind::Receive(_), None) => details.push("any tag".into()),
        (OperationKind::Collective { root: Some(root), .. }, _) => details.push(format!("root {root}")),
        _ => {}
    }
    if operation.bytes > 0 {
        details.push(format!("{} B", operation.bytes));
    }
    if !matches!(&operation.kind, OperationKind::Other(ranks) if ranks.is_empty()) {
        details.push(communicator(operation).to_owned());
    }
    details.join(", ")
}

/// "ranks 0, 1, 3".
fn listed(ranks: &[u32]) -> String {
    match ranks {
        [rank] => format!("rank {rank}"),
        ranks if ranks.len() > 16 => format!("{} ranks", ranks.len()),
        ranks => format!("ranks {}", ranks.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Begun;
    use super::*;

    fn operation(function: &str, kind: OperationKind) -> Operation {
        let (function, name) = (function.to_owned(), String::new());
        Operation { function, kind, communicator: 0, name, tag: Some(0), bytes: 4 }
    }

    fn send(to: u32) -> Operation {
        operation("MPI_Send", OperationKind::Send(to))
    }

    fn receive(from: &[u32]) -> Operation {
        operation("MPI_Recv", OperationKind::Receive(from.to_vec()))
    }

    /// A rank in one call that waits for all of these operations, or for any of them.
    fn rank(any: bool, operations: Vec<Operation>) -> Rank {
        let function = operations[0].function.clone();
        let certain = operations.len() == 1;
        let call = Blocked { function, place: Some("a.c:1".into()), operations: operations.clone(), any, certain };
        Rank { calls: vec![call], under_way: operations, ..Rank::default() }
    }

    fn waits_for(from: u32) -> Rank {
        rank(false, vec![receive(&[from])])
    }

    fn ended() -> Rank {
        let call =
            Blocked { function: "MPI_Finalize".into(), place: None, operations: Vec::new(), any: false, certain: true };
        Rank { finalized: true, calls: vec![call], ..Rank::default() }
    }

    /// A rank that computes: it is in no call.
    fn runs() -> Rank {
        Rank::default()
    }

    fn in_collective(function: &str, members: &[u32], synchronizing: bool, root: Option<i32>) -> Rank {
        let kind = OperationKind::Collective { number: 0, members: members.to_vec(), synchronizing, root };
        let mut rank = rank(false, vec![operation(function, kind)]);
        rank.collectives = vec![Begun { communicator: 0, count: 1, recent: vec![(function.into(), root)] }];
        rank
    }

    fn stuck(ranks: &[Rank]) -> Vec<usize> {
        let graph = Graph::of(ranks);
        (0..ranks.len()).filter(|&rank| graph.is_stuck(rank)).collect()
    }

    #[test]
    fn a_cycle_is_a_deadlock_and_a_wait_for_a_rank_that_runs_is_none() {
        assert_eq!(stuck(&[waits_for(1), waits_for(2), waits_for(0)]), [0, 1, 2]);
        assert_eq!(stuck(&[waits_for(1), waits_for(2), runs()]), [0; 0]);
        // Rank 3 only waits for the cycle, and rank 4 for a rank that runs.
        assert_eq!(stuck(&[waits_for(1), waits_for(0), runs(), waits_for(0), waits_for(2)]), [0, 1, 3]);
    }

    #[test]
    fn an_or_is_stuck_only_if_every_rank_that_could_help_is_stuck() {
        let any = |from: &[u32]| rank(false, vec![receive(from)]);
        assert_eq!(stuck(&[any(&[0, 1, 2]), waits_for(0), runs()]), [0; 0]);
        assert_eq!(stuck(&[any(&[0, 1, 2]), waits_for(0), waits_for(1)]), [0, 1, 2]);
        assert_eq!(stuck(&[any(&[0, 1, 2]), waits_for(0), ended()]), [0, 1]);
        let any_of = |from: [u32; 2]| rank(true, vec![receive(&[from[0]]), receive(&[from[1]])]);
        assert_eq!(stuck(&[any_of([1, 2]), waits_for(0), runs()]), [0; 0]);
        assert_eq!(stuck(&[any_of([1, 2]), waits_for(0), ended()]), [0, 1]);
        let knot = [any(&[0, 1, 2]), waits_for(0), waits_for(1)];
        assert!(Graph::of(&knot).report(1.0).contains("reason: a knot"), "{}", Graph::of(&knot).report(1.0));
    }

    #[test]
    fn of_several_requests_some_may_be_complete() {
        // Rank 0 waits for two ranks, of which one still runs: what it gets from that one may be all that it waits for.
        let both = rank(false, vec![receive(&[1]), receive(&[2])]);
        assert_eq!(stuck(&[both.clone(), waits_for(0), runs()]), [0; 0]);
        assert_eq!(stuck(&[both, waits_for(0), waits_for(0)]), [0, 1, 2]);
    }

    #[test]
    fn a_message_that_both_ranks_wait_for_is_a_transfer() {
        let sends = rank(false, vec![send(1)]);
        assert_eq!(Graph::of(&[sends.clone(), waits_for(0)]).verdict(), Verdict::Transfers);
        let mut other_tag = waits_for(0);
        other_tag.calls[0].operations[0].tag = Some(7);
        other_tag.under_way[0].tag = Some(7);
        let ranks = [sends.clone(), other_tag.clone()];
        assert_eq!(Graph::of(&ranks).verdict(), Verdict::Stuck { proved: true });
        let report = Graph::of(&ranks).report(1.0);
        assert!(report.ends_with("; the message has tag 0, and the receive waits for tag 7\n"), "{report}");
        other_tag.calls[0].operations[0].tag = None;
        other_tag.under_way[0].tag = None;
        assert_eq!(Graph::of(&[sends, other_tag]).verdict(), Verdict::Transfers);
    }

    #[test]
    fn a_request_that_no_call_waits_for_proves_nothing() {
        // Rank 1 has a receive under way that fits, but waits for something else.
        let mut other = waits_for(0);
        other.calls[0].operations[0].tag = Some(7);
        other.under_way[0].tag = Some(7);
        other.under_way.push(receive(&[0]));
        let ranks = [rank(false, vec![send(1)]), other];
        assert_eq!(Graph::of(&ranks).verdict(), Verdict::Stuck { proved: false });
        assert!(Graph::of(&ranks).report(1.0).starts_with("hang: the job has not moved"));
    }

    #[test]
    fn a_collective_waits_for_the_ranks_that_have_not_entered() {
        let barrier = || in_collective("MPI_Barrier", &[0, 1, 2], true, None);
        assert_eq!(stuck(&[barrier(), barrier(), runs()]), [0; 0]);
        assert_eq!(stuck(&[barrier(), barrier(), ended()]), [0, 1]);
        assert_eq!(stuck(&[barrier(), barrier(), waits_for(0)]), [0, 1, 2]);
        assert_eq!(Graph::of(&[barrier(), barrier(), barrier()]).verdict(), Verdict::Transfers);
        // A broadcast may need only one of the ranks that are missing.
        let broadcast = || in_collective("MPI_Bcast", &[0, 1, 2], false, Some(0));
        assert_eq!(stuck(&[runs(), broadcast(), waits_for(1)]), [0; 0]);
        assert_eq!(stuck(&[waits_for(2), broadcast(), waits_for(1)]), [0, 1, 2]);
    }

    #[test]
    fn different_calls_in_the_place_of_one_collective_are_the_reason() {
        let members = [0, 1];
        let ranks =
            [in_collective("MPI_Barrier", &members, true, None), in_collective("MPI_Bcast", &members, false, Some(0))];
        assert_eq!(stuck(&ranks), [0, 1]);
        let report = Graph::of(&ranks).report(1.0);
        assert!(report.contains(
            "reason: rank 0 is in MPI_Barrier (4 B, MPI_COMM_WORLD), and rank 1 has called MPI_Bcast (root 0)"
        ));
        let roots = [0, 1].map(|root| in_collective("MPI_Bcast", &members, false, Some(root)));
        assert_eq!(stuck(&roots), [0, 1]);
    }

    #[test]
    fn a_rank_outside_this_world_may_always_help() {
        let outside = rank(false, vec![operation("MPI_Recv", OperationKind::Other(Vec::new()))]);
        assert_eq!(Graph::of(&[outside, ended()]).verdict(), Verdict::MayGoOn);
        // Also if it is only one of several requests.
        let one_of_two = rank(false, vec![send(1), operation("a request", OperationKind::Other(Vec::new()))]);
        assert_eq!(Graph::of(&[one_of_two, waits_for(0)]).verdict(), Verdict::MayGoOn);
    }

    #[test]
    fn many_ranks_are_not_all_listed() {
        let ranks: Vec<Rank> = (0..200).map(|rank| waits_for((rank + 1) % 200)).collect();
        let report = Graph::of(&ranks).report(1.0);
        assert_eq!(report.lines().filter(|line| line.starts_with("  rank ")).count(), MOST_RANKS);
        assert!(report.contains("\n  and 72 more ranks\n"), "{report}");
    }

    #[test]
    fn a_host_that_is_gone_is_named_with_its_ranks() {
        let on = |host: &str, rank: Rank| Rank { host: host.into(), ..rank };
        let states = BTreeMap::from([(0, on("node1", waits_for(2))), (1, on("node1", Rank::default()))]);
        let gone = BTreeMap::from([("node2", vec![2, 3]), ("node3", vec![4])]);
        let report = report_of_gone_hosts(&gone, &states, 10.0);
        let lines: Vec<_> = report.lines().collect();
        assert_eq!(lines[0], "host gone: node2, node3: no answer for 10 s");
        assert!(lines[1].starts_with("  rank 0 on node1 waits in MPI_Recv from rank 2"), "{report}");
        assert_eq!(
            lines[2..5],
            [
                "  rank 1 on node1 is in no call of MPI",
                "  ranks 2, 3 run on node2 and do not answer",
                "  rank 4 runs on node3 and does not answer"
            ]
        );
        assert_eq!(lines[5], "reason: the network to node2, node3 is cut, or the host has failed");
    }
}

//! The hosts on which the ranks of a job run, and what the clocks of these hosts show at the same moment.
//!
//! Before and after the program's work, rank 0 asks one rank of each other host for the time that its clock shows. From these
//! messages and from those of the program, [`crate::clocks`] finds out how the clocks differ.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use course::clock::{self, Moment};
use course::lanes::record::Log;
use mpi::datatype::PartitionMut;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use mpi::{Count, Rank};
use rustix::system::uname;

use crate::clocks::Passing;
use crate::parts;

/// Rank 0 asks for the time of another clock at most this number of times.
const ROUND_TRIPS: usize = 200;

/// Rank 0 does not ask again after this time, if it has asked [`FEWEST_ROUND_TRIPS`] times.
const PATIENCE: Duration = Duration::from_millis(100);

/// Rank 0 asks at least this number of times: the first message may have to open a connection.
const FEWEST_ROUND_TRIPS: usize = 4;

/// The hosts of all ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    /// For each rank, the name of its host.
    names: Vec<String>,
    /// For each rank, the number of its clock.
    clocks: Vec<usize>,
    /// For each clock, the first rank that reads it.
    first_ranks: Vec<Rank>,
}

impl Hosts {
    /// The hosts of all ranks of the world. All ranks must call it.
    pub fn of(world: &SimpleCommunicator) -> Self {
        let own = format!("{}\n{}", uname().nodename().to_string_lossy(), clock::name());
        let mut lengths = vec![0 as Count; world.size() as usize];
        world.all_gather_into(&(own.len() as Count), &mut lengths[..]);
        let starts = parts::starts(&lengths);
        let mut all = vec![0_u8; lengths.iter().sum::<Count>() as usize];
        let mut parts = PartitionMut::new(&mut all[..], &lengths[..], &starts[..]);
        world.all_gather_varcount_into(own.as_bytes(), &mut parts);
        let text = |(&start, &length): (&Count, &Count)| {
            String::from_utf8_lossy(&all[start as usize..(start + length) as usize]).into_owned()
        };
        Self::read(starts.iter().zip(&lengths).map(text))
    }

    /// From the name of the host and the name of the clock (see [`clock::name`]) of each rank.
    fn read(ranks: impl Iterator<Item = String>) -> Self {
        let (mut names, mut clocks, mut first_ranks) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbers = HashMap::new();
        for (rank, text) in (0..).zip(ranks) {
            let (name, clock) = text.split_once('\n').unwrap_or((&text, ""));
            names.push(name.to_owned());
            clocks.push(*numbers.entry(clock.to_owned()).or_insert_with(|| {
                first_ranks.push(rank);
                first_ranks.len() - 1
            }));
        }
        Self { names, clocks, first_ranks }
    }

    /// How a rank is called in a picture: with its host, if there is more than one.
    pub fn name_of(&self, rank: Rank) -> String {
        let host = &self.names[rank as usize];
        match self.names.iter().all(|other| other == host) {
            true => format!("rank {rank}"),
            false => format!("rank {rank} on {host}"),
        }
    }

    /// The number of clocks.
    pub fn clocks(&self) -> usize {
        self.first_ranks.len()
    }

    /// The number of the clock of a rank; that of rank 0 is 0.
    pub fn clock_of(&self, rank: Rank) -> usize {
        self.clocks[rank as usize]
    }
}

/// Exchanges messages between rank 0 and one rank of each other clock. In rank 0 it returns when they were sent and received.
/// All ranks must call it.
pub(crate) fn exchange(world: &SimpleCommunicator, hosts: &Hosts) -> Vec<Passing> {
    let mut passings = Vec::new();
    for (clock, &other) in hosts.first_ranks.iter().enumerate().skip(1) {
        if world.rank() == 0 {
            ask(world, other, clock, &mut passings);
        } else if world.rank() == other {
            answer(world);
        }
    }
    passings
}

/// In rank 0: asks another rank for the time of its clock, again and again.
fn ask(world: &SimpleCommunicator, other: Rank, clock: usize, passings: &mut Vec<Passing>) {
    let other = world.process_at_rank(other);
    let begin = Moment::now();
    for round in 0..ROUND_TRIPS {
        let asked = Moment::now();
        other.send(&true);
        let theirs: u64 = other.receive().0;
        let answered = Moment::now();
        passings.push(Passing { from: 0, sent: asked.0, to: clock, received: theirs });
        passings.push(Passing { from: clock, sent: theirs, to: 0, received: answered.0 });
        if round + 1 >= FEWEST_ROUND_TRIPS && answered.since(begin) > PATIENCE {
            break;
        }
    }
    other.send(&false);
}

/// In the other rank: answers until rank 0 has asked enough.
fn answer(world: &SimpleCommunicator) {
    let root = world.process_at_rank(0);
    while root.receive::<bool>().0 {
        root.send(&Moment::now().0);
    }
}

/// The messages between hosts in the records of all ranks.
pub(crate) fn passings<'a>(hosts: &Hosts, records: impl IntoIterator<Item = &'a [u8]>) -> io::Result<Vec<Passing>> {
    let (mut sent, mut received) = (Vec::new(), HashMap::new());
    for bytes in records {
        let log = Log::read(bytes)?;
        let ranks: HashMap<u32, u32> = log.processes.iter().filter_map(|it| Some((it.id, it.rank?))).collect();
        for message in log.messages {
            let Some(&own) = ranks.get(&message.process) else { continue };
            let (from, to) = if message.sent { (own, message.peer) } else { (message.peer, own) };
            let key = (from, to, message.channel, message.tag, message.index);
            let clocks = (hosts.clock_of(from as Rank), hosts.clock_of(to as Rank));
            if clocks.0 == clocks.1 {
            } else if message.sent {
                sent.push((key, clocks, message.at));
            } else {
                received.insert(key, message.at);
            }
        }
    }
    let passing = |(key, (from, to), sent)| Some(Passing { from, sent, to, received: *received.get(&key)? });
    Ok(sent.into_iter().filter_map(passing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(ranks: &[(&str, &str)]) -> Hosts {
        Hosts::read(ranks.iter().map(|(name, clock)| format!("{name}\n{clock}")))
    }

    #[test]
    fn a_rank_is_called_by_its_host_if_there_are_several() {
        let one = hosts(&[("a", "x"), ("a", "x")]);
        let three = hosts(&[("a", "x"), ("a", "x"), ("b", "y"), ("c", "x"), ("b", "y")]);
        assert_eq!((one.name_of(1).as_str(), three.name_of(3).as_str()), ("rank 1", "rank 3 on c"));
    }

    #[test]
    fn hosts_may_share_a_clock() {
        let three = hosts(&[("a", "x"), ("a", "x"), ("b", "y"), ("c", "x"), ("b", "y")]);
        assert_eq!((three.clocks(), three.clocks, three.first_ranks), (2, vec![0, 0, 1, 0, 1], vec![0, 2]));
    }
}

//! Measures the parameters of the LogGP model (Alexandrov et al., "LogGP: Incorporating Long Messages into the LogP Model", SPAA
//! 1995) between two ranks, in the way of Netgauge (Hoefler et al., "Low-Overhead LogGP Parameter Assessment for Modern
//! Interconnection Networks", PMEO-PDS 2007), and what a rank computes while the other ranks of its node compute too.
//!
//! All ranks call the same functions. The ranks that have no partner wait in a barrier meanwhile.

mod exchange;
mod pair;
mod rates;
mod timing;

use std::mem;

use mpi::collective::SystemOperation;
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::*;
use serde::Serialize;

use exchange::{BETWEEN_NODES, Exchange, in_turn, with_eager_limit};
use pair::Pair;
pub use rates::{Neighbours, collectives, rates};
use timing::barrier_asleep;

/// The longest message that is measured, in bytes.
const LONG: usize = 4 << 20;

/// The parameters of a link between two ranks. All times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Link {
    /// L: the time that a short message is under way, without the overheads.
    pub latency: f64,
    /// o of the sender: how long it is busy with a message.
    pub send_overhead: f64,
    /// o of the receiver: how long it is busy with a message that has come already.
    pub receive_overhead: f64,
    /// g: the time between two short messages that follow each other.
    pub gap: f64,
    /// The longest message that is sent before its receiver asks for it, in bytes.
    pub eager_limit: usize,
    /// G of messages up to the eager limit: the time for each byte.
    pub eager_gap_per_byte: f64,
    /// G of longer messages (rendezvous).
    pub rendezvous_gap_per_byte: f64,
    /// What a longer message needs in addition: the sender asks the receiver, which answers.
    pub handshake: f64,
    /// Pairs of a length in bytes and of seconds: in this time a rank sends a message of this length to one rank and receives one
    /// from another rank, while all ranks do the same. Between ranks of one node a rank has up to 8 partners at the same time, and
    /// the time is that of all their messages, divided by their number.
    pub both_ways: Vec<(usize, f64)>,
    /// Pairs of a length in bytes and of seconds: for how long a message of this length occupies the network connection of its
    /// node. While all ranks of two nodes exchange messages, each pair of ranks makes the exchange longer by this time. Empty if a
    /// node has one rank only.
    pub occupancy: Vec<(usize, f64)>,
}

/// The node of each rank: nodes have the numbers 0, 1, ... in the order of their first ranks.
#[must_use]
pub fn nodes(world: &SimpleCommunicator) -> Vec<usize> {
    let of_node = world.split_shared(world.rank());
    let mut first = 0;
    of_node.all_reduce_into(&world.rank(), &mut first, SystemOperation::min());
    let mut firsts = vec![0; world.size() as usize];
    world.all_gather_into(&first, &mut firsts[..]);
    let mut known = Vec::new();
    let number = |first: &i32| match known.iter().position(|known| known == first) {
        Some(number) => number,
        None => {
            known.push(*first);
            known.len() - 1
        }
    };
    firsts.iter().map(number).collect()
}

/// The link between ranks of one node, if a node has two ranks. All nodes measure at the same time, and all pairs of a node.
///
/// # Errors
/// A message that arrives is not the one that was sent.
pub fn link_of_node(world: &SimpleCommunicator, neighbours: &Neighbours) -> anyhow::Result<Option<Link>> {
    let Neighbours { node, of_a_core, .. } = neighbours;
    world.barrier();
    let link = if node.size() < 2 { None } else { Some(link_of_group(&Exchange::with_many(node, *of_a_core))?) };
    world.barrier();
    Ok(link)
}

/// The link between ranks of different nodes, if there are any. The first ranks of the first two nodes measure it. Then all ranks
/// of these nodes measure for how long a message occupies the network connection of a node.
///
/// # Errors
/// A message that arrives is not the one that was sent.
pub fn link_of_network(world: &SimpleCommunicator, nodes: &[usize], of_a_core: f64) -> anyhow::Result<Option<Link>> {
    let ranks_of = |node| (0..nodes.len()).filter(move |&rank| nodes[rank] == node);
    let pairs = ranks_of(0).count().min(ranks_of(1).count());
    let [first, second] = [0, 1].map(|node| ranks_of(node).take(pairs).collect::<Vec<_>>());
    let measuring: Vec<_> = first.into_iter().chain(second).map(|rank| rank as i32).collect();
    world.barrier();
    let mut link = None;
    if pairs > 0 {
        let group = world.group().include(&measuring[..]);
        if let Some(group) = world.split_by_subgroup_collective(&group) {
            link = Some(link_between(&group, of_a_core)?);
        }
    }
    world.barrier();
    Ok(link)
}

/// The link between two nodes: the first half of the ranks are those of one node.
fn link_between(group: &SimpleCommunicator, of_a_core: f64) -> anyhow::Result<Link> {
    let pairs = group.size() / 2;
    let is_first = group.rank() % pairs == 0;
    let pair = group.split_by_color(if is_first { Color::with_value(0) } else { Color::undefined() });
    let of_pair = pair.as_ref().map(|pair| Exchange { work: BETWEEN_NODES, ..Exchange::with_many(pair, 1.0) });
    let of_all = (pairs > 1).then(|| Exchange { group, distances: vec![pairs], of_a_core, work: BETWEEN_NODES });
    let mut times = in_turn(group, &[of_pair.as_ref(), of_all.as_ref()])?;
    let mut link = Link::default();
    if let Some(pair) = &pair {
        link = link_of_pairs(pair)?;
        let [of_one, of_all] = [0, 1].map(|index| with_eager_limit(mem::take(&mut times[index]), link.eager_limit));
        if pairs > 1 {
            let each = |all: f64, one: f64| (all - one).max(0.0) / f64::from(pairs - 1);
            let both = of_all.iter().zip(&of_one);
            link.occupancy = both.map(|(all, one)| (all.0, each(all.1, one.1))).collect();
        }
        link.both_ways = of_one;
    }
    barrier_asleep(group);
    Ok(link)
}

/// The link between the ranks of a group.
fn link_of_group(exchange: &Exchange<'_>) -> anyhow::Result<Link> {
    let mut link = link_of_pairs(exchange.group)?;
    exchange.group.barrier();
    let times = in_turn(exchange.group, &[Some(exchange)])?;
    link.both_ways = with_eager_limit(times.into_iter().flatten().collect(), link.eager_limit);
    Ok(link)
}

/// The parameters of two ranks: the ranks 0 and 1 are a pair, the ranks 2 and 3, and so on.
fn link_of_pairs(group: &SimpleCommunicator) -> anyhow::Result<Link> {
    let (own, last) = (group.rank(), group.size() - 1);
    // In a group of an odd number, the last rank has no partner.
    if own == last && last % 2 == 0 {
        return Ok(Link::default());
    }
    Pair { partner: group.process_at_rank(own ^ 1), leads: own % 2 == 0 }.link()
}

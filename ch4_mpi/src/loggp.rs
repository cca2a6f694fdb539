//! Measures the parameters of the LogGP model (Alexandrov et al., "LogGP: Incorporating Long Messages into the LogP Model", SPAA
//! 1995) between two ranks, in the way of Netgauge (Hoefler et al., "Low-Overhead LogGP Parameter Assessment for Modern
//! Interconnection Networks", PMEO-PDS 2007), and what a rank computes while the other ranks of its node compute too.
//!
//! All ranks call the same functions. The ranks that have no partner wait in a barrier meanwhile.

use std::hint::black_box;
use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch1_parallel::kernels::stencil::{RADIUS, bands, grids, sweep};
use ch1_parallel::kernels::{Kernel, count::task, laps, median, quartiles};
use mpi::collective::SystemOperation;
use mpi::request::scope;
use mpi::topology::{Color, Process, SimpleCommunicator};
use mpi::traits::*;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::kernels::transpose;

/// The messages of 8 bytes whose gap and overhead are measured.
const SHORT: usize = 8;

/// The largest message that is measured.
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
    /// Lengths of messages in bytes, and the seconds in which a rank sends such a message to one rank and receives one from another
    /// rank at the same time, while all ranks do so.
    pub both_ways: Vec<(usize, f64)>,
    /// Lengths of messages in bytes, and the seconds for each message while several ranks of a node exchange messages with another
    /// node: so long a message keeps the way of the node to the network. Only of a link between nodes with several ranks.
    pub occupancy: Vec<(usize, f64)>,
}

/// Two ranks that measure.
#[derive(Clone, Copy)]
pub struct Pair<'world> {
    /// The partner.
    pub partner: Process<'world>,
    /// One of both leads: it measures, and its results count.
    pub leads: bool,
}

/// Longer messages than one that takes this many seconds are not measured.
const SLOW: f64 = 0.02;

/// How many sends must be late.
const TRIES: u32 = 4;

/// For how long one time is measured.
const BUDGET: f64 = 0.01;

/// How often all messages are measured.
const PASSES: usize = 4;

impl Pair<'_> {
    /// All parameters; of `both_ways` the lengths only. In the rank that does not lead, the times are only those that it has seen.
    ///
    /// # Errors
    /// A message that arrives is not the one that was sent.
    pub fn link(&self) -> anyhow::Result<Link> {
        let short = usual(&self.one_way(SHORT)?);
        let away = Duration::from_nanos(self.agreed((4e9 * short) as u64 + 5000));
        let eager_limit = self.eager_limit(away.max(Duration::from_millis(5)));
        // Close to each other, since the time is not proportional to the length where a cache or a buffer of the network ends.
        let eager_sizes = [SHORT, eager_limit / 8, eager_limit / 4, eager_limit / 2, 3 * eager_limit / 4, eager_limit];
        let mut sizes: Vec<_> = eager_sizes.into_iter().filter(|&size| size >= SHORT).collect();
        let mut size = eager_limit + 1;
        while size < LONG {
            sizes.extend([size, 3 * size / 2]);
            size *= 2;
        }
        sizes.dedup();

        // Several passes, since another program may disturb one of them.
        let mut one_way = vec![Vec::new(); sizes.len()];
        let mut last = sizes.len() - 1;
        let mut overheads = [const { Vec::new() }; 3];
        for _ in 0..PASSES {
            for (index, &size) in sizes.iter().enumerate().take(last + 1) {
                one_way[index].extend(self.one_way(size)?);
                // On a slow network the longest messages would take too long. Two points above the eager limit give a line.
                let is_slow = usual(&one_way[index]) > 4.0 * short + SLOW;
                if size > 2 * eager_limit && self.agreed(is_slow.into()) == 1 {
                    last = last.min(index);
                    break;
                }
            }
            let (of_sender, gap) = self.send_overhead_and_gap(away)?;
            let of_pass = [of_sender, self.receive_overhead(away), gap];
            overheads.iter_mut().zip(of_pass).for_each(|(all, one)| all.push(one));
        }
        let [send_overhead, receive_overhead, gap] = overheads.map(|all| median(&all));
        sizes.truncate(last + 1);
        let one_way: Vec<_> = sizes.iter().copied().zip(one_way.iter().map(|times| usual(times))).collect();
        let eager: Vec<_> = one_way.iter().copied().filter(|&(size, _)| size <= eager_limit).collect();
        let longer: Vec<_> = one_way.iter().copied().filter(|&(size, _)| size > eager_limit).collect();
        let (start, eager_gap_per_byte) = line(&eager);
        // Of a message that is alone, no rank waits longer for its overheads than for the message.
        let (send_overhead, receive_overhead) = (send_overhead.min(start / 2.0), receive_overhead.min(start / 2.0));
        let (start_of_longer, rendezvous_gap_per_byte) = line(&longer);
        Ok(Link {
            latency: (start - send_overhead - receive_overhead).max(0.0),
            send_overhead,
            receive_overhead,
            gap,
            eager_limit,
            eager_gap_per_byte,
            rendezvous_gap_per_byte,
            handshake: (start_of_longer - start).max(0.0),
            both_ways: sizes.into_iter().map(|size| (size, 0.0)).collect(),
            occupancy: Vec::new(),
        })
    }

    /// The number of the rank that leads, in both.
    fn agreed(&self, own: u64) -> u64 {
        let mut number = own;
        if self.leads {
            self.partner.send(&number);
        } else {
            self.partner.receive_into(&mut number);
        }
        number
    }

    /// The seconds of `once`, which both ranks call equally often.
    fn times(&self, least: u64, once: impl FnMut(u8) -> anyhow::Result<()>) -> anyhow::Result<Vec<f64>> {
        times(least, |own| self.agreed(own), once)
    }

    /// The seconds of a message, one way: half of the time there and back. Each message is new, as in the kernels: a message that
    /// was sent before would be in the caches of the receiver already. The time to write it is subtracted.
    fn one_way(&self, size: usize) -> anyhow::Result<Vec<f64>> {
        let (mut sent, mut received) = (vec![0_u8; size], vec![0_u8; size]);
        let there_and_back = self.times(1, |round| {
            if self.leads {
                write(&mut sent, round);
                self.partner.send(&sent[..]);
            }
            self.partner.receive_into(&mut received[..]);
            is_right(&received, round)?;
            if !self.leads {
                self.partner.send(&received[..]);
            }
            Ok(())
        })?;
        let write = seconds_to_write(&mut sent);
        Ok(there_and_back.iter().map(|seconds| (seconds - write).max(0.1 * seconds) / 2.0).collect())
    }

    /// As with Netgauge, the sender sends n messages, and the receiver answers the last one. At once they take n - 1 gaps longer
    /// than one message. If the sender waits after each of them until it is surely away, nothing but the sends keeps it busy.
    fn send_overhead_and_gap(&self, away: Duration) -> anyhow::Result<(f64, f64)> {
        const COUNT: u64 = 16;
        let count = if away > Duration::from_millis(1) { COUNT / 4 } else { COUNT };
        let train = |count: u64, pause: Duration, sending: &mut f64| {
            let (mut number, mut answer) = (0_u64, 0_u64);
            for index in 0..count {
                if self.leads {
                    let begin = Instant::now();
                    self.partner.send(&index);
                    *sending += begin.elapsed().as_secs_f64();
                    spin(pause);
                } else {
                    self.partner.receive_into(&mut number);
                    ensure!(number == index, "message {index} of a train came as message {number}");
                }
            }
            if self.leads {
                self.partner.receive_into(&mut answer);
                ensure!(answer == count, "a train of {count} messages was answered as one of {answer}");
            } else {
                self.partner.send(&count);
            }
            Ok(())
        };
        let count = self.agreed(count);
        let one = usual(&self.times(1, |_| train(1, Duration::ZERO, &mut 0.0))?);
        let at_once = usual(&self.times(1, |_| train(count, Duration::ZERO, &mut 0.0))?);
        let mut overheads = Vec::new();
        for _ in 0..if away > Duration::from_millis(1) { 5 } else { 30 } {
            let mut sending = 0.0;
            train(count, away, &mut sending)?;
            overheads.push(sending / count as f64);
        }
        Ok((usual(&overheads), ((at_once - one) / (count - 1) as f64).max(0.0)))
    }

    /// How long a receive takes if its message has come already.
    fn receive_overhead(&self, away: Duration) -> f64 {
        let mut seconds = Vec::new();
        let rounds = if away > Duration::from_millis(1) { 5 } else { 100 };
        for round in 0..self.agreed(rounds) {
            let round = self.agreed(round);
            if self.leads {
                spin(away + away);
                let (begin, mut received) = (Instant::now(), 0_u64);
                self.partner.receive_into(&mut received);
                seconds.push(begin.elapsed().as_secs_f64());
                black_box(received);
            } else {
                self.partner.send(&round);
            }
        }
        usual(&seconds)
    }

    /// The longest message whose send returns although no receive waits for it: there the time of a send jumps. `late` is how
    /// long the receiver keeps away.
    fn eager_limit(&self, late: Duration) -> usize {
        // At first the length is doubled until a send is late, since the longest messages take much time on a slow network.
        let (mut eager, mut longer, mut is_known) = (SHORT, 2 * SHORT, false);
        let buffer = vec![0_u8; LONG];
        let mut received = vec![0_u8; LONG];
        // An interruption makes a send look late, so a send is repeated until it is not, or often enough.
        let mut tries = 0;
        loop {
            let asked = Instant::now();
            let size = self.agreed(next_size(eager, longer, is_known) as u64) as usize;
            if size == 0 {
                return self.agreed(eager as u64) as usize;
            }
            if self.leads {
                let begin = Instant::now();
                self.partner.send(&buffer[..size]);
                // If this rank was interrupted before the send, the receiver may have waited for it.
                let in_time = begin - asked < late / 4;
                tries += 1;
                if in_time && begin.elapsed() < late / 2 {
                    (eager, tries) = (size, 0);
                    if !is_known {
                        longer = (2 * eager).min(LONG);
                        is_known = longer == LONG;
                    }
                } else if tries == TRIES {
                    (longer, tries, is_known) = (size, 0, true);
                }
                self.partner.receive_into(&mut received[..1]);
            } else {
                // Not a spin, which would keep a core from the sender if there are more ranks than cores.
                thread::sleep(late);
                self.partner.receive_into(&mut received[..size]);
                self.partner.send(&received[..1]);
            }
        }
    }
}

/// The seconds of `once`, which all ranks call equally often; `agreed` gives all ranks the number of one rank. Batches of at least
/// `least` calls are timed, so that the clock costs nothing.
fn times(
    least: u64,
    agreed: impl Fn(u64) -> u64,
    mut once: impl FnMut(u8) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    let begin = Instant::now();
    for round in 0..3 {
        once(round)?;
    }
    let each = begin.elapsed().as_secs_f64() / 3.0;
    let least = if each > 1e-3 { least.min(2) } else { least };
    let batch = agreed((20e-6 / each).clamp(least as f64, 1000.0) as u64);
    let batches = agreed((BUDGET / (each * batch as f64)).clamp(3.0, 300.0) as u64);
    let mut round = 3_u8;
    let mut seconds = Vec::new();
    for _ in 0..batches {
        let begin = Instant::now();
        for _ in 0..batch {
            once(round)?;
            round = round.wrapping_add(1);
        }
        seconds.push(begin.elapsed().as_secs_f64() / batch as f64);
    }
    Ok(seconds)
}

/// Messages that all ranks of a group exchange at the same time: each rank sends one and receives one.
struct Exchange<'group> {
    group: &'group SimpleCommunicator,
    /// A rank sends to the rank that is so many ranks further, to each of these in turn.
    distances: Vec<i32>,
    of_a_core: f64,
}

impl<'group> Exchange<'group> {
    /// With the ranks that are 1, 2, 4, ... ranks further: some of them may run on the same core, and others not.
    fn with_many(group: &'group SimpleCommunicator, of_a_core: f64) -> Self {
        let doubled = iter::successors(Some(1), |distance| Some(2 * distance));
        Self { group, distances: doubled.take_while(|&distance| distance < group.size()).collect(), of_a_core }
    }

    /// The usual seconds for each length.
    fn usual(&self, sizes: &[usize]) -> anyhow::Result<Vec<(usize, f64)>> {
        let mut times = vec![Vec::new(); sizes.len()];
        // Several passes, since another program may disturb one of them.
        for _ in 0..PASSES {
            for (times, &size) in times.iter_mut().zip(sizes) {
                times.extend(self.seconds(size)?);
            }
        }
        // An iteration of a kernel has many exchanges, so its time depends on those that take longer too.
        let mut usual: Vec<_> = times.iter().map(|times| median(times)).collect();
        // A message that is longer and faster than another one shows that the other one was disturbed.
        for index in (1..usual.len()).rev() {
            usual[index - 1] = usual[index - 1].min(usual[index]);
        }
        Ok(sizes.iter().copied().zip(usual).collect())
    }

    fn seconds(&self, size: usize) -> anyhow::Result<Vec<f64>> {
        let Self { group, distances, of_a_core } = self;
        let (mut sent, mut received) = (vec![0_u8; size], vec![0_u8; size]);
        let (rank, ranks) = (group.rank(), group.size());
        let once = |round| {
            for distance in distances {
                let (to, from) = ((rank + distance) % ranks, (rank + ranks - distance) % ranks);
                write(&mut sent, round);
                scope(|scope| {
                    let requests = [
                        group.process_at_rank(from).immediate_receive_into(scope, &mut received[..]),
                        group.process_at_rank(to).immediate_send(scope, &sent[..]),
                    ];
                    requests.into_iter().for_each(|request| request.wait_without_status());
                });
                is_right(&received, round)?;
            }
            Ok(())
        };
        // A rank that comes late finds its message there already: its exchanges may be short and long in turn, and those of its
        // partner long and short. So several are timed together.
        let seconds = times(8_u64.div_ceil(distances.len() as u64), |own| agreed(group, own), once)?;
        let write = seconds_to_write(&mut sent) * of_a_core;
        let of_one = seconds.iter().map(|seconds| seconds / distances.len() as f64);
        Ok(of_one.map(|seconds| (seconds - write).max(0.1 * seconds)).collect())
    }
}

/// The number of the group's rank 0, in all.
fn agreed(group: &SimpleCommunicator, own: u64) -> u64 {
    let mut number = own;
    group.process_at_rank(0).broadcast_into(&mut number);
    number
}

/// The next length to try, or 0 if the limit is found.
fn next_size(eager: usize, longer: usize, is_known: bool) -> usize {
    match longer - eager {
        _ if !is_known => longer,
        0 | 1 => 0,
        _ => usize::midpoint(eager, longer),
    }
}

/// Writes the number of the round to all bytes of a message.
fn write(message: &mut [u8], round: u8) {
    black_box(message).fill(round);
}

/// How long it takes to write a message that no other rank reads.
fn seconds_to_write(message: &mut [u8]) -> f64 {
    let batch = (100_000 / message.len()).clamp(1, 1000);
    let once = |round: u8| {
        let begin = Instant::now();
        (0..batch).for_each(|_| write(message, round));
        begin.elapsed().as_secs_f64() / batch as f64
    };
    usual(&(0..20).map(once).collect::<Vec<_>>())
}

/// Whether a message is the one that was sent in this round. Only some of its bytes are looked at, since this takes time too.
fn is_right(message: &[u8], round: u8) -> anyhow::Result<()> {
    let looked_at = [message.first(), message.get(message.len() / 2), message.last()];
    ensure!(looked_at == [Some(&round); 3], "message {round} did not come as it was sent");
    Ok(())
}

/// The time that a quarter of the times do not exceed: other programs make a time longer, and never shorter.
fn usual(seconds: &[f64]) -> f64 {
    quartiles(seconds)[0]
}

/// Computes for this time.
fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// The line through points (bytes, seconds) with the least sum of squares of the relative errors: its start and its slope.
#[must_use]
pub fn line(points: &[(usize, f64)]) -> (f64, f64) {
    // The weights are 1/y²: sums of w, w·x, w·x², w·y, w·x·y.
    let mut sums = [0.0; 5];
    for &(bytes, seconds) in points {
        let (x, weight) = (bytes as f64, 1.0 / (seconds * seconds).max(1e-30));
        let terms = [weight, weight * x, weight * x * x, weight * seconds, weight * x * seconds];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
    let [w, wx, wxx, wy, wxy] = sums;
    let spread = w * wxx - wx * wx;
    let slope = if spread > 0.0 { ((w * wxy - wx * wy) / spread).max(0.0) } else { 0.0 };
    (if w > 0.0 { (wy - slope * wx) / w } else { 0.0 }, slope)
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

/// The link between ranks of different nodes, if there are any: the first ranks of the first two nodes measure it, and then all
/// ranks of these nodes measure for how long a message occupies the way of a node to the network.
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
    let color = if is_first { Color::with_value(0) } else { Color::undefined() };
    let link = group.split_by_color(color).map(|pair| link_of_group(&Exchange::with_many(&pair, 1.0)));
    let mut link = link.transpose()?.unwrap_or_default();
    group.barrier();
    if pairs > 1 {
        let sizes = of_root(group, link.both_ways.iter().map(|&(size, _)| size as u64).collect());
        let exchange = Exchange { group, distances: vec![pairs], of_a_core };
        let of_all = exchange.usual(&sizes)?;
        link.occupancy = of_all.into_iter().map(|(size, seconds)| (size, seconds / f64::from(pairs))).collect();
    }
    Ok(link)
}

/// The link between the ranks of a group: the ranks 0 and 1 are a pair, the ranks 2 and 3, and so on.
fn link_of_group(exchange: &Exchange<'_>) -> anyhow::Result<Link> {
    let Exchange { group, .. } = exchange;
    let (own, last) = (group.rank(), group.size() - 1);
    // In a group of an odd number, the last rank has no partner.
    let mut link = Link::default();
    if own < last || last % 2 == 1 {
        link = Pair { partner: group.process_at_rank(own ^ 1), leads: own % 2 == 0 }.link()?;
    }
    group.barrier();
    link.both_ways = exchange.usual(&of_root(group, link.both_ways.iter().map(|&(size, _)| size as u64).collect()))?;
    Ok(link)
}

/// The lengths of the group's rank 0, in all.
fn of_root(group: &SimpleCommunicator, mut sizes: Vec<u64>) -> Vec<usize> {
    sizes.resize(agreed(group, sizes.len() as u64) as usize, 0);
    group.process_at_rank(0).broadcast_into(&mut sizes[..]);
    sizes.into_iter().map(|size| size as usize).collect()
}

/// The seconds of an operation that all ranks call, as the slowest rank sees it.
fn of_all(world: &SimpleCommunicator, budget: f64, mut once: impl FnMut()) -> f64 {
    // Two at a time, because short and long ones may take turns (see `both_ways`).
    let mut two = || (0..2).for_each(|_| once());
    let count = count_of(world, budget, &mut two);
    of_slowest(world, &laps(count, two)) / 2.0
}

/// How often an operation that all ranks call is repeated in this number of seconds.
fn count_of(world: &SimpleCommunicator, budget: f64, mut once: impl FnMut()) -> usize {
    let begin = Instant::now();
    (0..2).for_each(|_| once());
    let mut count = (budget * 2.0 / begin.elapsed().as_secs_f64()).clamp(5.0, 2000.0) as u64;
    world.process_at_rank(0).broadcast_into(&mut count);
    count as usize
}

/// The usual time of the slowest rank.
fn of_slowest(world: &SimpleCommunicator, seconds: &[f64]) -> f64 {
    let mut slowest = vec![0.0; seconds.len()];
    world.all_reduce_into(seconds, &mut slowest[..], SystemOperation::max());
    usual(&slowest)
}

/// The seconds of a barrier and of a sum of one number over all ranks.
#[must_use]
pub fn collectives(world: &SimpleCommunicator) -> (f64, f64) {
    let barrier = of_all(world, 0.1, || world.barrier());
    let mut sum = 0_u64;
    let reduce = of_all(world, 0.1, || world.all_reduce_into(&1_u64, &mut sum, SystemOperation::sum()));
    (barrier, reduce)
}

/// The bytes of the data of a rank with which the rate of a grid is measured.
const BYTES: [usize; 13] = [
    1 << 14,
    1 << 16,
    1 << 18,
    1 << 20,
    1 << 21,
    1 << 22,
    1 << 23,
    1 << 24,
    3 << 23,
    1 << 25,
    3 << 24,
    1 << 26,
    1 << 27,
];

/// For how long a rate is measured, in seconds.
const RATE_BUDGET: f64 = 0.12;

/// The steps to which a task of `count` counts, each one dependent on the step before.
const STEPS: u64 = 100_000;

/// What a rank needs for each cell of a grid (of `count`: for each step of a task) while all ranks compute: pairs of the bytes of
/// its data and of the seconds of a cell. The time of messages does not count.
///
/// # Errors
/// The grids do not fit in the memory.
pub fn rates(world: &SimpleCommunicator, neighbours: &Neighbours, kernel: Kernel) -> anyhow::Result<Vec<(usize, f64)>> {
    let ranks = world.size() as usize;
    if kernel == Kernel::Count {
        let work = || {
            black_box(task(black_box(STEPS)));
        };
        let seconds = with_barrier(world, neighbours, work);
        return Ok(vec![(0, seconds / STEPS as f64)]);
    }
    BYTES.iter().map(|&bytes| rate(world, kernel, side(bytes, ranks), neighbours)).collect()
}

/// The side of a grid of which a rank of `ranks` holds about this number of bytes in two arrays: whole blocks for each rank.
fn side(bytes: usize, ranks: usize) -> usize {
    let block = 8 * ranks;
    let side = ((bytes * ranks) as f64 / 16.0).sqrt();
    ((side / block as f64).round() as usize).max(1) * block
}

/// The ranks of a node.
pub struct Neighbours {
    node: SimpleCommunicator,
    /// Their numbers in the world.
    numbers: Vec<usize>,
    /// How many ranks compute on one core, in turns: 1 if each rank has a core.
    pub of_a_core: f64,
}

impl Neighbours {
    /// The ranks of the node of this rank. All ranks of the world call this.
    #[must_use]
    pub fn of(world: &SimpleCommunicator) -> Self {
        let node = world.split_shared(world.rank());
        let mut numbers = vec![0; node.size() as usize];
        node.all_gather_into(&world.rank(), &mut numbers[..]);
        let numbers = numbers.into_iter().map(|rank: i32| rank as usize).collect();
        // Measured, since a rank cannot know which cores it shares: with ranks of other nodes too, if the nodes are containers of
        // one machine. Each measurement takes some time slices of the kernel.
        let shares: Vec<_> = (0..5).map(|_| share_of_core(world, Duration::from_millis(30))).collect();
        Self { node, numbers, of_a_core: of_slowest(world, &shares).max(1.0) }
    }
}

/// The time that a rank needs for its work, for each second in which it has a core.
fn share_of_core(world: &SimpleCommunicator, least: Duration) -> f64 {
    let on_core = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    world.barrier();
    let (begin, on_core_before) = (Instant::now(), on_core());
    spin(least);
    begin.elapsed().as_secs_f64() / (on_core() - on_core_before).as_secs_f64().max(1e-3)
}

fn rate(
    world: &SimpleCommunicator,
    kernel: Kernel,
    size: usize,
    neighbours: &Neighbours,
) -> anyhow::Result<(usize, f64)> {
    let (ranks, rank) = (world.size() as usize, world.rank() as usize);
    let (cells, seconds) = if kernel == Kernel::Stencil {
        let rows = bands(size, ranks)[rank].clone();
        let cells = rows.len() * size;
        let (mut input, mut output) = grids(size, rows.clone())?;
        let halo = vec![0.0; RADIUS * size];
        let work = || sweep(size, rows.clone(), &mut input, &mut output, &halo, &halo);
        (cells, with_barrier(world, neighbours, work))
    } else {
        let Neighbours { node, numbers, of_a_core, .. } = neighbours;
        let (cells, mut work) = transpose::work_of_node(size, ranks, node, numbers)?;
        let count = count_of(world, RATE_BUDGET, || {
            work();
        });
        let seconds: Vec<_> = (0..count).map(|_| work()).collect();
        // A rank gives its core to the others of the core only while it exchanges, so their work comes in addition.
        (cells, of_slowest(world, &seconds) * of_a_core)
    };
    Ok((16 * cells, seconds / cells as f64))
}

/// A barrier of the ranks of the node ends the work, and its time is subtracted. A barrier of all ranks would take much longer
/// than the work if the network is slow.
fn with_barrier(world: &SimpleCommunicator, neighbours: &Neighbours, mut work: impl FnMut()) -> f64 {
    let Neighbours { node, .. } = neighbours;
    let barrier = of_all(world, 0.01, || node.barrier());
    let seconds = of_all(world, RATE_BUDGET, || {
        work();
        node.barrier();
    });
    // A barrier that another program disturbed must not make the work seem to be short.
    (seconds - barrier).max(0.8 * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_its_points() {
        let points: Vec<_> = [8, 1000, 5000].map(|bytes| (bytes, 2e-6 + bytes as f64 * 1e-9)).into();
        let (start, slope) = line(&points);
        assert!((start - 2e-6).abs() < 1e-12 && (slope - 1e-9).abs() < 1e-15, "{start} {slope}");
        assert_eq!(line(&[]), (0.0, 0.0));
        assert_eq!(line(&[(8, 3.0)]), (3.0, 0.0));
    }

    #[test]
    fn ranks_have_whole_blocks_of_a_grid() {
        for (bytes, ranks) in [(1 << 14, 1), (1 << 20, 2), (1 << 22, 3), (1 << 26, 4)] {
            let side = side(bytes, ranks);
            assert!(side.is_multiple_of(8 * ranks) && side > 0);
            let own = 16 * side * side / ranks;
            assert!((own as f64 / bytes as f64).ln().abs() < 0.8, "{bytes} bytes, {ranks} ranks: {own}");
        }
    }
}

//! The model: one iteration of a kernel as the strategy `mpi` solves it, simulated with the clock of each rank.
//!
//! LogGP (Alexandrov et al., SPAA 1995): a message of k bytes keeps the sender busy for the overhead o, is under way for the
//! latency L and k times the gap per byte G, and keeps the receiver busy for o; between two messages of a rank passes at least
//! the gap g. Above the eager limit the receiver must be ready before the
//! bytes begin their way. All ranks of a node share its way to the network.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use ch1_parallel::kernels::Kernel;
use ch1_parallel::kernels::stencil::{RADIUS, bands};
use ch1_parallel::kernels::transpose::{self, STRIP};
use serde::Serialize;

use super::parameters::{Job, Link, Parameters};

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The kernel.
    pub kernel: Kernel,
    /// The side of the grid, or the number of tasks.
    pub size: usize,
    /// The number to which a task of `count` counts.
    pub grain: u64,
}

/// Where the ranks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The node of each rank: 0, 1, ...
    pub nodes: Vec<usize>,
}

impl Layout {
    /// Nodes that are filled one after the other.
    #[must_use]
    pub fn filled(ranks: usize, ranks_per_node: usize) -> Self {
        Self { nodes: (0..ranks).map(|rank| rank / ranks_per_node.max(1)).collect() }
    }

    fn ranks_of_a_node(&self) -> usize {
        let mut counts = BTreeMap::new();
        self.nodes.iter().for_each(|node| *counts.entry(node).or_insert(0) += 1);
        counts.into_values().max().unwrap_or(1)
    }

    /// How many nodes there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.iter().max().map_or(1, |last| last + 1)
    }
}

/// The parts of the time of an iteration, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// The work, divided evenly, at the rate of a rank that has its node for itself.
    pub compute: f64,
    /// The work that cannot be divided evenly: how much longer the busiest rank computes.
    pub uneven: f64,
    /// How much longer it computes because its neighbours on the node compute too.
    pub memory: f64,
    /// Messages without bytes: overheads, latencies, gaps, handshakes.
    pub latency: f64,
    /// The bytes of the messages.
    pub bandwidth: f64,
}

impl Forecast {
    /// The parts and their names.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 5] {
        [
            ("compute", self.compute),
            ("uneven parts", self.uneven),
            ("node memory", self.memory),
            ("latency", self.latency),
            ("bandwidth", self.bandwidth),
        ]
    }

    /// The predicted seconds of an iteration.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.parts().iter().map(|(_, seconds)| seconds).sum()
    }

    /// The largest part.
    #[must_use]
    pub fn limit(&self) -> &'static str {
        self.parts().into_iter().max_by(|one, other| one.1.total_cmp(&other.1)).map_or("", |(name, _)| name)
    }
}

/// Predicts an iteration.
///
/// # Errors
/// The parameters lack the rate of the kernel or a link that the layout needs.
pub fn forecast(parameters: &Parameters, question: &Question, layout: &Layout) -> anyhow::Result<Forecast> {
    let known = Known::of(parameters, question.kernel, layout)?;
    let shares = shares(question, layout.nodes.len());
    let most = shares.iter().map(|share| share.units).fold(0.0, f64::max);
    let even = shares.iter().map(|share| share.units).sum::<f64>() / shares.len() as f64;
    let bytes = |units: f64| if question.kernel == Kernel::Count { 0.0 } else { 16.0 * units };
    // The rates for the data of the busiest rank.
    let busy = interpolate(known.busy, bytes(most));
    let alone = interpolate(known.alone, bytes(most)).min(busy);
    let compute = even * alone;
    let uneven = (most - even) * alone;
    let memory = most * (busy - alone);
    let (mut latency, mut bandwidth) = (0.0, 0.0);
    if layout.nodes.len() > 1 {
        let seconds = |with_bytes| Simulation::new(&known, layout, with_bytes).iteration(question, &shares, busy);
        let (without, with) = (seconds(false), seconds(true));
        latency = (without - most * busy).max(0.0);
        bandwidth = (with - without).max(0.0);
    }
    Ok(Forecast { compute, uneven, memory, latency, bandwidth })
}

/// What a rank has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    /// Cells, or steps of tasks.
    units: f64,
    /// Rows of the grid.
    rows: usize,
}

fn shares(question: &Question, ranks: usize) -> Vec<Share> {
    let size = question.size;
    match question.kernel {
        Kernel::Count => (0..ranks)
            .map(|rank| {
                let tasks = (rank + 1) * size / ranks - rank * size / ranks;
                Share { units: tasks as f64 * question.grain as f64, rows: 0 }
            })
            .collect(),
        Kernel::Stencil => bands(size, ranks)
            .iter()
            .map(|rows| Share { units: (rows.len() * size) as f64, rows: rows.len() })
            .collect(),
        _ => (0..ranks)
            .map(|rank| transpose::rows(size, ranks, rank).len())
            .map(|rows| Share { units: (rows * size) as f64, rows })
            .collect(),
    }
}

/// From this number of ranks for each core, the cores limit the messages of a node.
const CROWDED: f64 = 1.25;

/// The parameters that fit a layout best.
struct Known<'p> {
    alone: &'p [(f64, f64)],
    busy: &'p [(f64, f64)],
    node: &'p Link,
    network: &'p Link,
    /// Only if ranks share cores: how many ranks of a node have measured the link of the node.
    crowd: Option<f64>,
    collective: Collective,
}

/// How the ranks meet in a collective.
#[derive(Clone, Copy, Debug, Default)]
struct Collective {
    open_mpi_4: bool,
    /// What a message of a barrier costs in addition to a message of its own.
    of_barrier: f64,
    of_reduce: f64,
}

impl<'p> Known<'p> {
    fn of(parameters: &'p Parameters, kernel: Kernel, layout: &Layout) -> anyhow::Result<Self> {
        let (of_a_node, nodes) = (layout.ranks_of_a_node(), layout.node_count());
        let mut jobs: Vec<&Job> = parameters.jobs.iter().collect();
        // The most similar job first: as many ranks on a node, then as many nodes.
        let apart = |one: usize, other: usize| (one as f64 / other as f64).ln().abs();
        let distance = |job: &Job| (apart(job.ranks_of_a_node(), of_a_node), apart(job.node_count(), nodes));
        jobs.sort_by(|one, other| distance(one).partial_cmp(&distance(other)).unwrap_or(std::cmp::Ordering::Equal));
        let rates = |job: &&'p Job| job.rates.get(&kernel).map(Vec::as_slice);
        let none = || format!("the parameters have no rate of {kernel}");
        let busy = jobs.iter().find_map(rates).with_context(none)?;
        let alone =
            parameters.jobs.iter().filter(|job| job.nodes.len() == 1).find_map(|job| rates(&job)).with_context(none)?;
        let node = jobs.iter().find_map(|job| job.node.as_ref());
        let network = jobs.iter().find_map(|job| job.network.as_ref());
        ensure!(of_a_node == 1 || node.is_some(), "the parameters have no link between ranks of one node");
        ensure!(nodes == 1 || network.is_some(), "the parameters have no link between nodes");
        static NONE: Link = Link {
            latency: 0.0,
            send_overhead: 0.0,
            receive_overhead: 0.0,
            gap: 0.0,
            eager_limit: 0.0,
            eager_gap_per_byte: 0.0,
            rendezvous_gap_per_byte: 0.0,
            handshake: 0.0,
            both_ways: Vec::new(),
            occupancy: Vec::new(),
        };
        let mut known = Self {
            alone,
            busy,
            node: node.unwrap_or(&NONE),
            network: network.unwrap_or(&NONE),
            crowd: jobs.first().filter(|job| job.ranks_of_a_core > CROWDED).map(|job| job.ranks_of_a_node() as f64),
            collective: Collective::default(),
        };
        let most_like = jobs.iter().find(|job| job.nodes.len() > 1);
        if let Some(job) = most_like {
            known.collective.open_mpi_4 = job.library.starts_with("Open MPI v4");
            known.calibrate(job);
        }
        Ok(known)
    }

    /// Chooses what a message of a collective costs in addition, so that the collectives of this job take as long as measured.
    fn calibrate(&mut self, job: &Job) {
        let own = Known {
            alone: self.alone,
            busy: self.busy,
            node: job.node.as_ref().unwrap_or(self.node),
            network: job.network.as_ref().unwrap_or(self.network),
            crowd: self.crowd,
            collective: self.collective,
        };
        let layout = Layout { nodes: job.nodes.clone() };
        let extra = |measured: f64, reduces: bool| {
            let seconds = |extra: f64| {
                let mut simulation = Simulation::new(&own, &layout, true);
                simulation.typical(|simulation| simulation.meet(reduces, extra))
            };
            let (mut low, mut high) = (0.0, measured);
            for _ in 0..40 {
                let middle = (low + high) / 2.0;
                if seconds(middle) < measured { low = middle } else { high = middle }
            }
            low
        };
        (self.collective.of_barrier, self.collective.of_reduce) =
            (extra(job.barrier, false), extra(job.all_reduce, true));
    }
}

/// The value at `x`: between two points on a logarithmic axis, and beyond the ends as at the ends.
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let next = points.iter().position(|point| point.0 >= x);
    match next {
        Some(0) => points[0].1,
        None => points.last().map_or(0.0, |point| point.1),
        Some(next) => {
            let (low, high) = (points[next - 1], points[next]);
            let part =
                (x.max(1.0).ln() - low.0.max(1.0).ln()) / (high.0.max(1.0).ln() - low.0.max(1.0).ln()).max(1e-12);
            low.1 + part * (high.1 - low.1)
        }
    }
}

impl Link {
    /// The seconds of a message that meets no other message, from its send to the end of its receive.
    fn alone(&self) -> f64 {
        self.send_overhead + self.latency + self.receive_overhead
    }

    /// What a short message needs in addition because another one comes the other way.
    fn beside(&self) -> f64 {
        self.both_ways.first().map_or(0.0, |shortest| (shortest.1 - self.alone()).max(0.0))
    }

    /// The seconds that the bytes of a message add.
    fn of_bytes(&self, bytes: f64) -> f64 {
        let is_long = bytes > self.eager_limit;
        let fixed = self.alone() + self.beside() + if is_long { self.handshake } else { 0.0 };
        if self.both_ways.len() < 2 {
            return bytes * if is_long { self.rendezvous_gap_per_byte } else { self.eager_gap_per_byte };
        }
        (between(&self.both_ways, bytes) - fixed).max(0.0)
    }

    /// For how many seconds a message with these bytes occupies the connection of its rank or of its node, if the bytes need
    /// `seconds`.
    fn occupancy(&self, bytes: f64, seconds: f64, within: bool, crowd: Option<f64>) -> f64 {
        match crowd {
            // The ranks of the node take turns on its cores, and all of their messages have been measured at the same time.
            Some(ranks) if within && self.both_ways.len() > 1 => between(&self.both_ways, bytes) / ranks,
            // If a further pair makes the exchange longer, the cores are never free, so the exchange consists of what the messages
            // take from them. If it does not, the ranks mostly wait.
            Some(ranks) if !within && self.occupancy.len() > 1 => {
                let further = between(&self.occupancy, bytes);
                let all = between(&self.both_ways, bytes) + further * (ranks - 1.0);
                let under_way = self.latency + if bytes > self.eager_limit { self.handshake } else { 0.0 };
                ((all - under_way) / ranks).min(2.0 * further).max(0.0)
            }
            None if !within && self.occupancy.len() > 1 => between(&self.occupancy, bytes),
            _ => seconds,
        }
    }
}

/// The value at `x`, on the line through the point before and the point after it. Beyond the last point it is on the line through
/// the last two points; before the first point it is the value of that point.
fn between(points: &[(f64, f64)], x: f64) -> f64 {
    let next = points.iter().position(|point| point.0 >= x).unwrap_or(points.len() - 1);
    if next == 0 {
        return points[0].1;
    }
    let (low, high) = (points[next - 1], points[next]);
    let slope = (high.1 - low.1) / (high.0 - low.0).max(1e-12);
    let slope = if x > high.0 { slope.max(0.0) } else { slope };
    high.1 + (x - high.0) * slope
}

/// The clocks of all ranks, and until when the connections of ranks and nodes are occupied.
struct Simulation<'k, 'p> {
    known: &'k Known<'p>,
    layout: &'k Layout,
    with_bytes: bool,
    clocks: Vec<f64>,
    /// Of ranks, for messages within a node.
    ranks: Ports,
    /// Of nodes, for messages between nodes.
    nodes: Ports,
    /// For messages within a node and between nodes: the seconds of their bytes, and the seconds for which they occupy a connection.
    /// Messages have few different lengths.
    seconds_of_bytes: BTreeMap<(bool, usize), (f64, f64)>,
}

struct Ports {
    out: Vec<f64>,
    into: Vec<f64>,
}

/// When a message has come, and when its sender is free again.
struct Gone {
    /// When its last byte came.
    arrived: f64,
    /// When its sender may use its buffer again.
    sent: f64,
    receive_overhead: f64,
}

impl<'k, 'p> Simulation<'k, 'p> {
    fn new(known: &'k Known<'p>, layout: &'k Layout, with_bytes: bool) -> Self {
        let (ranks, nodes) = (layout.nodes.len(), layout.node_count());
        let ports = |count| Ports { out: vec![0.0; count], into: vec![0.0; count] };
        Self {
            known,
            layout,
            with_bytes,
            clocks: vec![0.0; ranks],
            ranks: ports(ranks),
            nodes: ports(nodes),
            seconds_of_bytes: BTreeMap::new(),
        }
    }

    /// The seconds of one call of `once`, after the first calls, in which the distances between the clocks still change.
    fn typical(&mut self, mut once: impl FnMut(&mut Self)) -> f64 {
        const COUNT: usize = 4;
        let mut begin = 0.0;
        for round in 0..2 + COUNT {
            if round == 2 {
                begin = self.latest();
            }
            once(self);
        }
        (self.latest() - begin) / COUNT as f64
    }

    fn latest(&self) -> f64 {
        self.clocks.iter().copied().fold(0.0, f64::max)
    }

    fn iteration(&mut self, question: &Question, shares: &[Share], rate: f64) -> f64 {
        let transposing = Exchange::of(question, shares);
        self.typical(|simulation| match question.kernel {
            Kernel::Stencil => {
                simulation.exchange_halos(shares, RADIUS * question.size * 8);
                simulation.compute(|rank| shares[rank].units * rate);
                simulation.meet(false, simulation.known.collective.of_barrier);
            }
            Kernel::Count => {
                simulation.compute(|rank| shares[rank].units * rate);
                simulation.meet(true, simulation.known.collective.of_reduce);
            }
            _ => {
                for strip in 0..transposing.strips {
                    simulation.compute(|rank| transposing.part(rank, strip) * shares[rank].units * rate);
                    simulation.exchange_all(&transposing, strip);
                }
                simulation.meet(false, simulation.known.collective.of_barrier);
            }
        })
    }

    fn compute(&mut self, seconds: impl Fn(usize) -> f64) {
        self.clocks.iter_mut().enumerate().for_each(|(rank, clock)| *clock += seconds(rank));
    }

    fn link(&self, from: usize, to: usize) -> (&'p Link, bool) {
        let within = self.layout.nodes[from] == self.layout.nodes[to];
        (if within { self.known.node } else { self.known.network }, within)
    }

    /// A message: `posted` is when its sender has done its part, and `ready` when its receiver asks for it.
    fn message(&mut self, from: usize, to: usize, bytes: usize, posted: f64, ready: f64) -> Gone {
        let (link, within) = self.link(from, to);
        let is_long = bytes as f64 > link.eager_limit;
        let crowd = self.known.crowd;
        let (seconds, occupancy) = if self.with_bytes && bytes > 0 {
            *self.seconds_of_bytes.entry((within, bytes)).or_insert_with(|| {
                let seconds = link.of_bytes(bytes as f64);
                (seconds, link.occupancy(bytes as f64, seconds, within, crowd))
            })
        } else {
            (0.0, 0.0)
        };
        let (ports, out, into) = if within && crowd.is_none() {
            (&mut self.ranks, from, to)
        } else {
            (&mut self.nodes, self.layout.nodes[from], self.layout.nodes[to])
        };
        let begin = if is_long { (posted + link.handshake).max(ready + link.handshake / 2.0) } else { posted };
        let begin = begin.max(ports.out[out]);
        ports.out[out] = begin + occupancy;
        let arrived = (begin + link.latency + link.beside() + seconds).max(ports.into[into] + occupancy);
        ports.into[into] = arrived;
        Gone { arrived, sent: if is_long { begin + seconds } else { posted }, receive_overhead: link.receive_overhead }
    }

    /// All ranks send messages at the same time and wait for all of them: `(from, to, bytes)`, for each sender in its order.
    fn send_and_wait(&mut self, messages: impl Iterator<Item = (usize, usize, usize)>) {
        let ready = self.clocks.clone();
        let mut posted = ready.clone();
        let mut ends = ready.clone();
        for (from, to, bytes) in messages {
            let (link, _) = self.link(from, to);
            posted[from] += link.send_overhead.max(if posted[from] > ready[from] { link.gap } else { 0.0 });
            let gone = self.message(from, to, bytes, posted[from], ready[to]);
            ends[to] = (ends[to] + gone.receive_overhead).max(gone.arrived + gone.receive_overhead);
            ends[from] = ends[from].max(gone.sent);
        }
        let last = ends.into_iter().zip(posted).map(|(end, posted)| end.max(posted));
        self.clocks = last.collect();
    }

    fn exchange_halos(&mut self, shares: &[Share], bytes: usize) {
        let busy = shares.iter().filter(|share| share.rows > 0).count();
        let up = (1..busy).map(|rank| (rank, rank - 1, bytes));
        let down = (0..busy.saturating_sub(1)).map(|rank| (rank, rank + 1, bytes));
        self.send_and_wait(up.chain(down));
    }

    /// What MPI_Alltoallv does: with fewer than 4 ranks in rounds, in which each rank has one partner; else all at the same time.
    fn exchange_all(&mut self, exchange: &Exchange, strip: usize) {
        let ranks = self.clocks.len();
        let round = |distance: usize| {
            (0..ranks).map(move |rank| (rank, (rank + distance) % ranks)).filter_map(move |(from, to)| {
                let bytes = exchange.bytes(from, to, strip);
                (bytes > 0).then_some((from, to, bytes))
            })
        };
        if ranks < 4 {
            (1..ranks).for_each(|distance| self.send_and_wait(round(distance)));
        } else {
            self.send_and_wait((1..ranks).flat_map(round));
        }
    }

    /// All ranks meet, in a barrier or in a sum. `extra` is what each message costs in addition.
    fn meet(&mut self, reduces: bool, extra: f64) {
        let ranks = self.clocks.len();
        if self.known.collective.open_mpi_4 && !reduces && (4..8).contains(&ranks) {
            return self.meet_at_rank_0(extra);
        }
        let doubles = reduces || (self.known.collective.open_mpi_4 && ranks < 64);
        if !doubles {
            return self.disseminate(extra);
        }
        // The ranks beyond the largest power of two take part through another rank.
        let most = if ranks.is_power_of_two() { ranks } else { ranks.next_power_of_two() / 2 };
        for rank in most..ranks {
            self.clocks[rank - most] = self.after(rank, rank - most, extra);
        }
        let mut distance = 1;
        while distance < most {
            let next: Vec<_> = (0..most).map(|rank| self.after(rank ^ distance, rank, extra)).collect();
            self.clocks[..most].copy_from_slice(&next);
            distance *= 2;
        }
        for rank in most..ranks {
            self.clocks[rank] = self.after(rank - most, rank, extra);
        }
    }

    fn disseminate(&mut self, extra: f64) {
        let ranks = self.clocks.len();
        let mut distance = 1;
        while distance < ranks {
            self.clocks = (0..ranks).map(|rank| self.after((rank + ranks - distance) % ranks, rank, extra)).collect();
            distance *= 2;
        }
    }

    fn meet_at_rank_0(&mut self, extra: f64) {
        for rank in 1..self.clocks.len() {
            self.clocks[0] = self.after(rank, 0, extra);
        }
        let mut posted = self.clocks[0];
        for rank in 1..self.clocks.len() {
            let (link, _) = self.link(0, rank);
            posted += link.send_overhead;
            self.clocks[rank] = self.clocks[rank].max(posted + link.latency) + link.receive_overhead + extra;
        }
        self.clocks[0] = posted;
    }

    /// When a rank has sent a short message and received the one of another rank.
    fn after(&self, from: usize, to: usize, extra: f64) -> f64 {
        let (link, _) = self.link(from, to);
        let here = self.clocks[to] + link.send_overhead;
        let arrived = self.clocks[from] + link.send_overhead + link.latency;
        here.max(arrived) + link.receive_overhead + extra
    }
}

/// What ranks exchange in an iteration of `transpose`.
struct Exchange {
    rows: Vec<usize>,
    strips: usize,
}

impl Exchange {
    fn of(question: &Question, shares: &[Share]) -> Self {
        let rows: Vec<_> = shares.iter().map(|share| share.rows).collect();
        let longest = if question.kernel == Kernel::Transpose { rows.iter().copied().max().unwrap_or(0) } else { 0 };
        Self { rows, strips: longest.div_ceil(STRIP) }
    }

    fn rows_of(&self, rank: usize, strip: usize) -> usize {
        self.rows[rank].saturating_sub(strip * STRIP).min(STRIP)
    }

    /// The part of its work that a rank does for a strip.
    fn part(&self, rank: usize, strip: usize) -> f64 {
        self.rows_of(rank, strip) as f64 / self.rows[rank].max(1) as f64
    }

    fn bytes(&self, from: usize, to: usize, strip: usize) -> usize {
        8 * self.rows_of(from, strip) * self.rows[to]
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameters::tests::parameters;
    use super::*;

    fn stencil(size: usize) -> Question {
        Question { kernel: Kernel::Stencil, size, grain: 0 }
    }

    fn of(parameters: &Parameters, question: &Question, ranks: usize) -> Forecast {
        forecast(parameters, question, &Layout::filled(ranks, 2)).unwrap()
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
    }

    #[test]
    fn one_rank_only_computes() {
        for (kernel, units) in [(Kernel::Stencil, 1e6), (Kernel::Transpose, 1e6), (Kernel::Count, 7000.0)] {
            let forecast = of(&parameters(), &Question { kernel, size: 1000, grain: 7 }, 1);
            assert_eq!(forecast, Forecast { compute: forecast.compute, ..Forecast::default() });
            assert!(close(forecast.seconds(), units * 1e-9), "{kernel}: {forecast:?}");
        }
    }

    #[test]
    fn neighbours_on_the_node_cost_memory() {
        let forecast = of(&parameters(), &stencil(1000), 2);
        assert!(close(forecast.compute, 0.5e6 * 1e-9) && close(forecast.memory, 0.5e6 * 0.5e-9), "{forecast:?}");
        // One rank on each node has no such neighbour.
        let apart = super::forecast(&parameters(), &stencil(1000), &Layout::filled(2, 1)).unwrap();
        assert!(apart.latency > forecast.latency);
    }

    #[test]
    fn many_ranks_are_bound_by_latency() {
        for kernel in [Kernel::Stencil, Kernel::Count, Kernel::Transpose] {
            let forecast = of(&parameters(), &Question { kernel, size: 1024, grain: 10 }, 1024);
            assert_eq!(forecast.limit(), "latency", "{kernel}: {forecast:?}");
        }
        assert_eq!(of(&parameters(), &stencil(4000), 2).limit(), "compute");
    }

    /// An exchange of halos on a network costs o + L + o + k·G, and above the eager limit a handshake.
    #[test]
    fn an_exchange_costs_what_the_formula_says() {
        let parameters = parameters();
        let network = parameters.jobs[2].network.clone().unwrap();
        let layout = Layout { nodes: vec![0, 1] };
        let known = Known::of(&parameters, Kernel::Stencil, &layout).unwrap();
        let seconds = |size: usize| {
            let shares = shares(&stencil(size), 2);
            Simulation::new(&known, &layout, true).typical(|simulation| simulation.exchange_halos(&shares, 16 * size))
        };
        let short = network.alone() + 1600.0 * network.eager_gap_per_byte;
        assert!(close(seconds(100), short), "{} {short}", seconds(100));
        let long = network.alone() + network.handshake + 160_000.0 * network.rendezvous_gap_per_byte;
        assert!(close(seconds(10_000), long), "{} {long}", seconds(10_000));
    }

    /// The seconds of messages of 1 MB that are sent at the same time, between ranks of a job with these nodes that has measured.
    fn seconds_of(nodes: &[usize], messages: &[(usize, usize)], change: impl Fn(&mut Job)) -> f64 {
        let mut parameters = parameters();
        let mut job = parameters.jobs[1].clone();
        job.nodes = nodes.to_vec();
        job.network = parameters.jobs[2].network.clone();
        let both_ways = vec![(8.0, 1e-6), (1e6, 2e-3)];
        job.node.iter_mut().chain(&mut job.network).for_each(|link| link.both_ways = both_ways.clone());
        change(&mut job);
        parameters.jobs.push(job);
        let layout = Layout { nodes: nodes.to_vec() };
        let known = Known::of(&parameters, Kernel::Transpose, &layout).unwrap();
        let messages = || messages.iter().map(|&(from, to)| (from, to, 1_000_000));
        Simulation::new(&known, &layout, true).typical(|simulation| simulation.send_and_wait(messages()))
    }

    #[test]
    fn messages_of_ranks_that_share_cores_take_turns() {
        let seconds = |ranks_of_a_core| {
            seconds_of(&[0, 0, 1, 1], &[(0, 2), (1, 3), (0, 1)], |job| {
                job.ranks_of_a_core = ranks_of_a_core;
                job.network.as_mut().unwrap().occupancy = vec![(8.0, 0.0), (1e6, 1e-3)];
            })
        };
        // If each rank has a core, the message within the node does not wait. On shared cores it takes turns with the two others.
        let (free, shared) = (seconds(1.0), seconds(2.0));
        assert!(shared > 1.05 * free, "{shared} {free}");
    }

    #[test]
    fn messages_of_a_node_take_turns_on_its_network_connection() {
        let seconds = |occupancy: &[(f64, f64)]| {
            seconds_of(&[0, 0, 1, 1], &[(0, 2), (1, 3)], |job| {
                job.network.as_mut().unwrap().occupancy = occupancy.to_vec();
            })
        };
        assert!(close(seconds(&[(8.0, 0.0), (1e6, 1e-3)]), 2e-3));
        assert!(close(seconds(&[(8.0, 0.0), (1e6, 3e-3)]), 6e-3));
        // Without measured times, a message occupies the connection for as long as its bytes need: 2 ms without the overheads, the
        // latency and the handshake.
        assert!(seconds(&[]) > 3.9e-3 && seconds(&[]) < 4e-3, "{}", seconds(&[]));
    }

    #[test]
    fn no_parameter_makes_an_iteration_shorter_when_it_grows() {
        let changes: [fn(&mut Link); 6] = [
            |link| link.latency *= 10.0,
            |link| link.send_overhead *= 10.0,
            |link| link.receive_overhead *= 10.0,
            |link| link.eager_gap_per_byte *= 10.0,
            |link| link.rendezvous_gap_per_byte *= 10.0,
            |link| link.handshake *= 10.0,
        ];
        for kernel in [Kernel::Stencil, Kernel::Transpose, Kernel::Count] {
            for ranks in [2, 3, 4, 7, 8, 64, 100] {
                let question = Question { kernel, size: 2000, grain: 100 };
                let before = of(&parameters(), &question, ranks).seconds();
                for (number, change) in changes.iter().enumerate() {
                    let mut changed = parameters();
                    changed
                        .jobs
                        .iter_mut()
                        .flat_map(|job| job.network.iter_mut().chain(&mut job.node))
                        .for_each(change);
                    // The measured barriers stay, so they take less of the overheads.
                    changed.jobs.iter_mut().for_each(|job| (job.barrier, job.all_reduce) = (0.0, 0.0));
                    let mut same = parameters();
                    same.jobs.iter_mut().for_each(|job| (job.barrier, job.all_reduce) = (0.0, 0.0));
                    let before = of(&same, &question, ranks).seconds().min(before);
                    let after = of(&changed, &question, ranks).seconds();
                    assert!(after >= before * (1.0 - 1e-12), "{kernel}, {ranks} ranks, change {number}");
                }
                let mut slow = parameters();
                slow.jobs.iter_mut().flat_map(|job| &mut job.network).for_each(|link| link.latency += 1.0);
                let (crosses, after) = (ranks > 2, of(&slow, &question, ranks).seconds());
                assert_eq!(after > before + 0.9, crosses, "{kernel}, {ranks} ranks: {before} {after}");
            }
        }
    }

    #[test]
    fn collectives_take_as_long_as_measured() {
        let parameters = parameters();
        for nodes in [vec![0, 0], vec![0, 1]] {
            let layout = Layout { nodes };
            let known = Known::of(&parameters, Kernel::Count, &layout).unwrap();
            let job = parameters.jobs.iter().find(|job| job.nodes == layout.nodes).unwrap();
            let mut simulation = Simulation::new(&known, &layout, true);
            let barrier = simulation.typical(|simulation| simulation.meet(false, known.collective.of_barrier));
            assert!((barrier / job.barrier - 1.0).abs() < 1e-6, "{barrier} {}", job.barrier);
        }
    }

    #[test]
    fn all_ranks_leave_a_barrier_after_the_last_has_come() {
        for library in ["Open MPI v4.1.4", "MPICH"] {
            for ranks in [2, 3, 4, 5, 7, 8, 13, 64, 100] {
                let mut parameters = parameters();
                parameters.jobs.iter_mut().for_each(|job| job.library = library.into());
                let layout = Layout::filled(ranks, 2);
                let known = Known::of(&parameters, Kernel::Count, &layout).unwrap();
                for (last, reduces) in (0..ranks).flat_map(|last| [(last, false), (last, true)]) {
                    let mut simulation = Simulation::new(&known, &layout, true);
                    simulation.clocks[last] = 1.0;
                    simulation.meet(reduces, 0.0);
                    assert!(simulation.clocks.iter().all(|clock| *clock >= 1.0), "{library}, {ranks} ranks, {last}");
                }
            }
        }
    }

    #[test]
    fn work_that_cannot_be_divided_is_uneven() {
        let count = |ranks| of(&parameters(), &Question { kernel: Kernel::Count, size: 3, grain: 1000 }, ranks);
        assert!(close(count(2).uneven, 500.0 * 1e-9), "{:?}", count(2));
        assert_eq!(count(1).uneven, 0.0);
        // 8 rows at least for each rank of transpose, and 2 of stencil.
        let transpose = of(&parameters(), &Question { kernel: Kernel::Transpose, size: 64, grain: 0 }, 16);
        assert!(close(transpose.compute + transpose.uneven, 8.0 * 64.0 * 1e-9), "{transpose:?}");
    }

    #[test]
    fn what_the_parameters_lack_is_named() {
        let mut without = parameters();
        without.jobs.iter_mut().for_each(|job| job.network = None);
        let error = |parameters: &Parameters, ranks| {
            forecast(parameters, &stencil(100), &Layout::filled(ranks, 2)).unwrap_err().to_string()
        };
        assert_eq!(error(&without, 4), "the parameters have no link between nodes");
        without.jobs.iter_mut().for_each(|job| job.node = None);
        assert_eq!(error(&without, 2), "the parameters have no link between ranks of one node");
        without.jobs.iter_mut().for_each(|job| job.rates.clear());
        assert_eq!(error(&without, 1), "the parameters have no rate of stencil");
    }
}

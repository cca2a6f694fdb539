//! Messages that many ranks exchange at the same time.

use std::time::Duration;

use ch1_parallel::kernels::median;
use mpi::request::scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use super::timing::{PASSES, agreed, barrier_asleep, is_right, spin, times, usual, write};

/// A message of this length, in bytes, is measured even if it takes long: it is longer than the usual eager limits.
const ALWAYS: usize = 256 << 10;

/// Longer messages are not measured after one whose exchange takes this many seconds longer than that of the shortest message.
const SLOW: f64 = 0.02;

/// An exchange that takes this many seconds is not measured again, since a disturbance of a millisecond changes it little.
const LASTS: f64 = 1e-3;

/// With how many others a rank exchanges messages at the same time, at most.
const PARTNERS: usize = 8;

/// The lengths that are measured, in bytes, close to each other: the time is not proportional to the length where a cache or a
/// buffer of the network ends.
fn lengths() -> Vec<usize> {
    let doubled = (10..22).flat_map(|power| [1 << power, 3 << (power - 1)]);
    [8, 512].into_iter().chain(doubled).chain([super::LONG]).collect()
}

/// The usual seconds of each exchange for each length. The ranks of the group call this together; the exchanges take turns, and a
/// rank waits while it is not part of one. The group's rank 0 is part of the first exchange.
///
/// A short message must not come after a long one on a connection of TCP: how fast the connection sends depends on what it has
/// delivered before. With BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 2016) this lasts as long
/// as the connection. The messages of a kernel have one length, and no longer ones come before them. So between nodes
/// nothing else is measured earlier, and the lengths rise.
pub(super) fn in_turn(
    group: &SimpleCommunicator,
    exchanges: &[Option<&Exchange<'_>>],
) -> anyhow::Result<Vec<Vec<(usize, f64)>>> {
    let lengths = lengths();
    let mut times = vec![vec![Vec::new(); lengths.len()]; exchanges.len()];
    let (mut measured, mut pass) = (lengths.len(), 0);
    // Several passes, since another program may disturb one of them.
    while pass < PASSES {
        for (index, &length) in lengths.iter().enumerate().take(measured) {
            for (number, (exchange, times)) in exchanges.iter().zip(&mut times).enumerate() {
                if let Some(exchange) = exchange {
                    if pass == 0 {
                        // Until TCP has found the rate for this length.
                        exchange.seconds(length)?;
                    }
                    times[index].extend(exchange.seconds(length)?);
                }
                // Only of several exchanges is one without some of the ranks, and it is the first. Ranks that all take part should
                // not sleep: the system would distribute them anew over the cores.
                if number + 1 < exchanges.len() { barrier_asleep(group) } else { group.barrier() }
            }
            let is_slow = median(&times[0][index]) > median(&times[0][0]) + SLOW;
            if length > ALWAYS && agreed(group, is_slow.into()) == 1 {
                measured = index + 1;
                break;
            }
        }
        let lasts = median(&times[0][0]) > LASTS;
        pass = if agreed(group, lasts.into()) == 1 { PASSES } else { pass + 1 };
    }
    let points = times.into_iter().map(|times| {
        // An iteration of a kernel has many exchanges, so its time depends on those that take longer too.
        let times: Vec<_> = times.iter().take(measured).map(|times| median(times)).collect();
        lengths.iter().copied().zip(rising(times)).collect()
    });
    Ok(points.collect())
}

/// If a longer message needs less time than a shorter one, the measurement of the shorter one was disturbed.
fn rising(mut times: Vec<f64>) -> Vec<f64> {
    for index in (1..times.len()).rev() {
        times[index - 1] = times[index - 1].min(times[index]);
    }
    times
}

/// The points with two more where the time jumps: the longest message that is sent before its receiver asks for it, and the
/// shortest that is not. Both lie on the lines through the two next points of their side.
pub(super) fn with_eager_limit(mut points: Vec<(usize, f64)>, limit: usize) -> Vec<(usize, f64)> {
    let next = points.iter().position(|point| point.0 > limit).unwrap_or(points.len());
    let (before, after) = points.split_at(next);
    let ([.., far, near], [first, second, ..]) = (before, after) else { return points };
    let line = |(x1, y1): (usize, f64), (x2, y2): (usize, f64), x: usize| {
        y1 + (y2 - y1) / (x2 as f64 - x1 as f64) * (x as f64 - x1 as f64)
    };
    let at_limit = line(*far, *near, limit).clamp(near.1, first.1.max(near.1));
    let beyond = line(*second, *first, limit + 1).min(first.1).max(at_limit);
    let new = [(limit, at_limit, near.0), (limit + 1, beyond, first.0)];
    let new: Vec<_> = new.into_iter().filter(|&(x, _, known)| x != known).map(|(x, y, _)| (x, y)).collect();
    points.splice(next..next, new);
    points
}

/// Messages that all ranks of a group exchange at the same time: for each distance, a rank sends one and receives one. What is
/// measured is the time of all of them, divided by their number.
pub(super) struct Exchange<'group> {
    pub(super) group: &'group SimpleCommunicator,
    /// For each distance d, rank r of n sends to rank (r + d) mod n and receives from rank (r - d) mod n.
    pub(super) distances: Vec<i32>,
    pub(super) of_a_core: f64,
    /// For how long a rank computes before each exchange.
    pub(super) work: Duration,
}

/// For how long a rank computes before each exchange between nodes, since a kernel computes between its exchanges. Without this, a
/// rank whose message has come already sends the next one while its partner still reads: of exchanges of 32 KB over TCP a quarter
/// took at most 10 us, and their mean was 32 us. With it they take 23 to 26 us.
pub(super) const BETWEEN_NODES: Duration = Duration::from_micros(5);

impl<'group> Exchange<'group> {
    /// An exchange with several partners, as a collective and a kernel have it: some partners of a rank may run on its own core,
    /// and others do not. Ranks that share a core change only when all of them wait, so several messages at once take less time
    /// than one after the other.
    pub(super) fn with_many(group: &'group SimpleCommunicator, of_a_core: f64) -> Self {
        Self { group, distances: (1..group.size()).take(PARTNERS).collect(), of_a_core, work: Duration::ZERO }
    }

    fn seconds(&self, size: usize) -> anyhow::Result<Vec<f64>> {
        let Self { group, distances, of_a_core, work } = self;
        let at_once = distances.len();
        let (mut sent, mut received) = (vec![0_u8; size], vec![0_u8; size * at_once]);
        let (rank, ranks) = (group.rank(), group.size());
        let mut working = Vec::new();
        let once = |round| {
            working.push(write(&mut sent, round) + spin(*work));
            scope(|scope| {
                let mut requests = Vec::with_capacity(2 * at_once);
                for (distance, received) in distances.iter().zip(received.chunks_exact_mut(size)) {
                    let from = group.process_at_rank((rank + ranks - distance) % ranks);
                    requests.push(from.immediate_receive_into(scope, received));
                }
                for distance in distances {
                    requests.push(group.process_at_rank((rank + distance) % ranks).immediate_send(scope, &sent[..]));
                }
                requests.into_iter().for_each(|request| request.wait_without_status());
            });
            received.chunks_exact(size).try_for_each(|received| is_right(received, round))
        };
        // A rank that comes late finds its message there already: its exchanges may be short and long in turn, and those of its
        // partner long and short. So several are timed together.
        let seconds = times(8_u64.div_ceil(at_once as u64), |own| agreed(group, own), once)?;
        let work = usual(&working) * of_a_core;
        let of_one = seconds.iter().map(|seconds| (seconds - work).max(0.1 * seconds) / at_once as f64);
        Ok(of_one.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_rise_to_the_longest() {
        let lengths = lengths();
        assert!(lengths.is_sorted_by(|a, b| a < b), "{lengths:?}");
        assert_eq!((lengths[0], lengths.last()), (8, Some(&crate::loggp::LONG)));
    }

    #[test]
    fn a_shorter_message_takes_no_longer() {
        assert_eq!(rising(vec![1.0, 5.0, 2.0, 3.0]), [1.0, 2.0, 2.0, 3.0]);
    }

    #[test]
    fn the_time_jumps_at_the_eager_limit() {
        let points = vec![(8, 1.0), (1024, 2.0), (2048, 3.0), (4096, 10.0), (8192, 14.0)];
        let jump = [(3072, 4.0), (3073, 9.0 + 1.0 / 1024.0)];
        let expected = [&points[..3], &jump, &points[3..]].concat();
        let shown = with_eager_limit(points.clone(), 3072);
        assert_eq!(shown.len(), expected.len());
        assert!(shown.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9), "{shown:?}");
        // At a point that is measured, only the message that is longer by a byte is new.
        assert_eq!(with_eager_limit(points.clone(), 2048).len(), points.len() + 1);
        assert_eq!(with_eager_limit(points.clone(), 2047).len(), points.len() + 1);
        // Without two points on each side there is no line.
        assert_eq!(with_eager_limit(points.clone(), 100), points);
        assert_eq!(with_eager_limit(points.clone(), 1 << 20), points);
    }
}

//! Two ranks that send each other messages.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch1_parallel::kernels::median;
use mpi::topology::Process;
use mpi::traits::*;

use super::timing::{PASSES, is_right, spin, times, usual, write};
use super::{LONG, Link};

/// The messages of 8 bytes whose gap and overhead are measured.
const SHORT: usize = 8;

/// Longer messages than one that takes this many seconds are not measured.
const SLOW: f64 = 0.02;

/// How many sends must be late.
const TRIES: u32 = 4;

/// Two ranks that measure.
#[derive(Clone, Copy)]
pub struct Pair<'world> {
    /// The partner.
    pub partner: Process<'world>,
    /// One of both leads: it measures, and its results count.
    pub leads: bool,
}

impl Pair<'_> {
    /// All parameters of two ranks. In the rank that does not lead, the times are only those that it has seen.
    ///
    /// # Errors
    /// A message that arrives is not the one that was sent.
    pub fn link(&self) -> anyhow::Result<Link> {
        let short = usual(&self.one_way(SHORT)?);
        let away = Duration::from_nanos(self.agreed((4e9 * short) as u64 + 5000));
        let eager_limit = self.eager_limit(away.max(Duration::from_millis(5)));
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
        let one_way: Vec<_> =
            sizes.iter().copied().take(last + 1).zip(one_way.iter().map(|times| usual(times))).collect();
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
            ..Link::default()
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
        let mut writing = Vec::new();
        let there_and_back = self.times(1, |round| {
            if self.leads {
                writing.push(write(&mut sent, round));
                self.partner.send(&sent[..]);
            }
            self.partner.receive_into(&mut received[..]);
            is_right(&received, round)?;
            if !self.leads {
                self.partner.send(&received[..]);
            }
            Ok(())
        })?;
        let write = usual(&writing);
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

/// The next length to try, or 0 if the limit is found.
fn next_size(eager: usize, longer: usize, is_known: bool) -> usize {
    match longer - eager {
        _ if !is_known => longer,
        0 | 1 => 0,
        _ => usize::midpoint(eager, longer),
    }
}

/// The line through points (bytes, seconds) with the least sum of squares of the relative errors: its start and its slope.
fn line(points: &[(usize, f64)]) -> (f64, f64) {
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
}

//! What the clocks of several hosts show at the same moment, found out from messages between the hosts.
//!
//! The clock of a host counts from the start of the host, and no two clocks are equally fast. But a message is never received
//! before it was sent. So a message from a host tells by how much its clock is ahead at least, and a message to the host by how
//! much at most. Many messages in both directions leave little room between these bounds (R. Gusella and S. Zatti, "TEMPO", 1985,
//! compare clocks in this way). If a clock is always fast or slow by the same share, the time by which it is ahead is a straight
//! line over time, and the line lies between the bounds. Of all such lines, [`Alignment`] takes the one that is farthest from the
//! nearest bound.

/// No clock is faster or slower than another one by more than this share: crystals differ by some 0.01 %.
const MOST_DRIFT: f64 = 5e-4;

/// A message from host to host. The clocks are numbered, and all times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing {
    /// The number of the sender's clock.
    pub from: usize,
    /// When the message was sent, by the sender's clock.
    pub sent: u64,
    /// The number of the receiver's clock.
    pub to: usize,
    /// When it was received, by the receiver's clock.
    pub received: u64,
}

/// For each clock, what clock 0 shows at the same moment.
#[derive(Clone, Debug)]
pub struct Alignment(Vec<Line>);

/// How far a clock is ahead of clock 0: `ahead + drift * (time - origin)`, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    origin: u64,
    ahead: i128,
    drift: f64,
}

impl Line {
    /// What clock 0 shows when this clock shows `time`.
    fn ours(&self, time: u64) -> u64 {
        let since = i128::from(time) - i128::from(self.origin);
        let ahead = self.ahead + (self.drift * since as f64).round() as i128;
        // A time before the start of clock 0 would be negative: nothing that a rank records is so early.
        u64::try_from(i128::from(time) - ahead).unwrap_or(0)
    }
}

/// What a message tells: when a clock shows `time`, it is ahead by this time at least, or at most.
struct Bound {
    time: u64,
    ahead: i128,
    is_most: bool,
}

impl Alignment {
    /// Aligns clocks 1, 2, ... with clock 0. A clock without a message from or to a clock before it is taken to be clock 0.
    #[must_use]
    pub fn of(clocks: usize, passings: &[Passing]) -> Self {
        let mut lines = vec![Line::default(); clocks.max(1)];
        for clock in 1..clocks {
            let bound = |passing: &Passing| {
                let Passing { from, sent, to, received } = *passing;
                let (time, other, is_most) = match () {
                    () if from == clock && to < clock => (sent, lines[to].ours(received), false),
                    () if to == clock && from < clock => (received, lines[from].ours(sent), true),
                    () => return None,
                };
                Some(Bound { time, ahead: i128::from(time) - i128::from(other), is_most })
            };
            let bounds: Vec<_> = passings.iter().filter_map(bound).collect();
            lines[clock] = fit(&bounds);
        }
        Self(lines)
    }

    /// What clock 0 shows when the clock with this number shows `time`.
    #[must_use]
    pub fn ours(&self, clock: usize, time: u64) -> u64 {
        self.0[clock].ours(time)
    }
}

/// The line that is farthest from the nearest bound.
fn fit(bounds: &[Bound]) -> Line {
    let Some(first) = bounds.first() else { return Line::default() };
    // Relative to the first bound the numbers are small enough for `f64`.
    let small = |bound: &Bound| {
        let time = (i128::from(bound.time) - i128::from(first.time)) as f64;
        (time, (bound.ahead - first.ahead) as f64, bound.is_most)
    };
    let bounds: Vec<_> = bounds.iter().map(small).collect();
    // With this drift: the room between the bounds, and the middle of it.
    let room = |drift: f64| {
        let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
        for &(time, ahead, is_most) in &bounds {
            let at_origin = ahead - drift * time;
            if is_most {
                most = most.min(at_origin);
            } else {
                least = least.max(at_origin);
            }
        }
        match (least.is_finite(), most.is_finite()) {
            (true, true) => (most - least, f64::midpoint(least, most)),
            (true, false) => (0.0, least),
            (false, _) => (0.0, most),
        }
    };
    // The room is a concave function of the drift, so thirds of the interval can be left out one after the other.
    let (mut low, mut high) = (-MOST_DRIFT, MOST_DRIFT);
    for _ in 0..60 {
        let third = (high - low) / 3.0;
        if room(low + third).0 < room(high - third).0 {
            low += third;
        } else {
            high -= third;
        }
    }
    let drift = f64::midpoint(low, high);
    Line { origin: first.time, ahead: first.ahead + room(drift).1.round() as i128, drift }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages between clock 0 and a clock that is ahead by `ahead` and fast by `drift`, in both directions, each under way for
    /// `latency(number)` nanoseconds.
    fn passings(clock: usize, ahead: i64, drift: f64, latency: impl Fn(u64) -> u64) -> Vec<Passing> {
        let theirs = |ours: u64| (ours as i64 + ahead + (ours as f64 * drift) as i64) as u64;
        let one = |number: u64| {
            let begin = 10_000_000_000 + number * 1_000_000;
            let end = begin + latency(number);
            match number.is_multiple_of(2) {
                true => Passing { from: 0, sent: begin, to: clock, received: theirs(end) },
                false => Passing { from: clock, sent: theirs(begin), to: 0, received: end },
            }
        };
        (0..1000).map(one).collect()
    }

    fn is_in_order(alignment: &Alignment, passings: &[Passing]) -> bool {
        passings.iter().all(|it| alignment.ours(it.from, it.sent) <= alignment.ours(it.to, it.received))
    }

    #[test]
    fn no_message_is_received_before_it_was_sent() {
        for (ahead, drift) in [(0, 0.0), (5_000_000_000_000, 1e-4), (-9_000_000_000, -1e-4)] {
            // Most messages are slow, and those in one direction are slower.
            let all = passings(1, ahead, drift, |number| 20_000 + number * 7919 % 500_000 * (1 + number % 2));
            let alignment = Alignment::of(2, &all);
            assert!(is_in_order(&alignment, &all), "{ahead} {drift}");
            for it in &all {
                let (ours, latency) = match it.from {
                    0 => (it.sent, alignment.ours(1, it.received) - it.sent),
                    _ => (it.received, it.received - alignment.ours(1, it.sent)),
                };
                assert!(latency < 1_100_000, "{ahead} {drift}: {latency} ns at {ours}");
            }
        }
    }

    #[test]
    fn a_third_clock_is_aligned_by_messages_to_the_second() {
        let first = passings(1, 7_000_000, 0.0, |_| 1000);
        // The same messages between clocks 1 and 2: clock 2 is ahead of clock 1 by as much as clock 1 is ahead of clock 0.
        let next = |it: &Passing| Passing {
            from: it.from + 1,
            sent: it.sent + 7_000_000,
            to: it.to + 1,
            received: it.received + 7_000_000,
        };
        let second = first.iter().map(next).collect();
        let all: Vec<_> = [first, second].concat();
        let alignment = Alignment::of(3, &all);
        assert!(is_in_order(&alignment, &all));
        assert!(alignment.ours(2, 10_500_000_000 + 14_000_000).abs_diff(10_500_000_000) < 2000);
    }

    #[test]
    fn without_messages_a_clock_is_taken_as_it_is() {
        assert_eq!(Alignment::of(2, &[]).ours(1, 77), 77);
        let only = Passing { from: 1, sent: 1_000, to: 0, received: 400 };
        assert!(Alignment::of(2, &[only]).ours(1, 1_000) <= 400);
    }
}

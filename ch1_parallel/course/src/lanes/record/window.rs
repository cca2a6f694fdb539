//! The changes of one lane, thinned out so that a run of any length needs a bounded number of windows.
//!
//! A *window* is a stretch of a lane's time with at most [`PARTS`] parts, each a state and how long it lasted. As long as the
//! changes fit, the parts are the changes themselves, in their order. When a window is full, the next one begins, if the full
//! one (or what comes next) lasts for a [`RESOLUTION`]th of the run until then. What is shorter cannot be seen in a picture
//! of the whole run; so the times of equal states are added up instead.
//!
//! The sum of the parts is always the exact time. Only the order inside a window, and labels beyond the [`PARTS`]th, are lost.
//! A lane that changes all the time has at most some `RESOLUTION * ln(T / t)` windows after the time `T`, where `t` is the
//! time that its first [`PARTS`] changes took.

/// How many states a window holds.
pub const PARTS: usize = 8;

/// A full window must last for this part of the run before the next one begins. A picture has fewer columns than that.
pub const RESOLUTION: u64 = 2048;

/// A state, by the number that the process has given it, and how long it lasted in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The state.
    pub state: u32,
    /// Its time.
    pub nanos: u64,
}

/// A stretch of a lane's time and the state that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it began, in nanoseconds of the machine's clock.
    pub begin: u64,
    /// What the lane did from then on, until `since`.
    pub parts: Vec<Part>,
    /// How many changes are not parts of their own.
    pub thinned: u32,
    /// What the lane has been doing since `since`.
    pub state: u32,
    /// The last change.
    pub since: u64,
}

impl Window {
    /// A window that begins at this moment, in this state.
    pub fn new(at: u64, state: u32) -> Self {
        Self { begin: at, parts: Vec::new(), thinned: 0, state, since: at }
    }

    /// The lane turns to another state. Returns the window that takes this one's place, if this one is full and long enough.
    /// `first` is when the first lane of the run began; `kind` tells the kind of a state.
    pub fn turn(&mut self, at: u64, state: u32, first: u64, kind: impl Fn(u32) -> u8) -> Option<Self> {
        let at = at.max(self.since);
        let part = Part { state: self.state, nanos: at - self.since };
        if part.nanos == 0 {
            self.state = state;
            return None;
        }
        if self.parts.len() == PARTS {
            let visible = self.begin.saturating_sub(first) / RESOLUTION;
            // A long part has a window of its own: added to an earlier part it would stand in a wrong place.
            if self.since - self.begin >= visible || part.nanos >= visible {
                return Some(Self { begin: self.since, parts: vec![part], thinned: 0, state, since: at });
            }
            self.merge(part, kind);
        } else {
            self.push(part);
        }
        (self.state, self.since) = (state, at);
        None
    }

    /// Replaces its times by those of another clock.
    pub fn change_clock(&mut self, to: impl Fn(u64) -> u64) {
        let mut end = self.begin;
        (self.begin, self.since) = (to(self.begin), to(self.since));
        // The ends of the parts, so that the parts are still as long as the window in all.
        for part in &mut self.parts {
            let begin = to(end);
            end += part.nanos;
            part.nanos = to(end).saturating_sub(begin);
        }
    }

    /// Adds a part to the last one if that is the same state, which a change of no length may have cut in two.
    fn push(&mut self, part: Part) {
        match self.parts.last_mut() {
            Some(last) if last.state == part.state => last.nanos += part.nanos,
            _ => self.parts.push(part),
        }
    }

    fn merge(&mut self, part: Part, kind: impl Fn(u32) -> u8) {
        self.thinned = self.thinned.saturating_add(1);
        if self.add(part, |other| other == part.state) {
            return;
        }
        let mut kept: Vec<Part> = Vec::with_capacity(PARTS);
        for part in std::mem::take(&mut self.parts) {
            match kept.iter_mut().find(|kept| kept.state == part.state) {
                Some(same) => {
                    same.nanos += part.nanos;
                    self.thinned = self.thinned.saturating_add(1);
                }
                None => kept.push(part),
            }
        }
        self.parts = kept;
        if self.parts.len() < PARTS {
            self.parts.push(part);
        } else if !self.add(part, |other| kind(other) == kind(part.state)) {
            // There are more parts than kinds, so two of them are of one kind.
            let last = self.parts.pop().expect("a full window has parts");
            if !self.add(last, |other| kind(other) == kind(last.state)) {
                self.join_two_of_a_kind(&kind);
                self.parts.push(last);
            }
            self.parts.push(part);
        }
    }

    /// Adds the time of `part` to the first part whose state is like it.
    fn add(&mut self, part: Part, like: impl Fn(u32) -> bool) -> bool {
        let found = self.parts.iter_mut().find(|other| like(other.state));
        found.map(|other| other.nanos += part.nanos).is_some()
    }

    fn join_two_of_a_kind(&mut self, kind: impl Fn(u32) -> u8) {
        for index in (1..self.parts.len()).rev() {
            let part = self.parts[index];
            if let Some(other) = self.parts[..index].iter().position(|other| kind(other.state) == kind(part.state)) {
                self.parts[other].nanos += part.nanos;
                self.parts.remove(index);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use std::collections::HashMap;

    /// Kinds as in a record: five of them.
    fn kind(state: u32) -> u8 {
        (state % 5) as u8
    }

    /// Random changes, thinned, beside the true times of each kind.
    fn thinned(seed: u64, changes: usize, longest: u64, states: u32) -> (Vec<Window>, HashMap<u8, u64>, u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut at, mut state) = (1000, 0);
        let mut windows = vec![Window::new(at, state)];
        let mut times = HashMap::new();
        for _ in 0..changes {
            let next = rng.random_range(0..states);
            // Some changes come at the same moment.
            let length = if rng.random_bool(0.1) { 0 } else { rng.random_range(0..=longest) };
            at += length;
            *times.entry(kind(state)).or_default() += length;
            let last = windows.last_mut().unwrap();
            if let Some(next) = last.turn(at, next, 1000, kind) {
                windows.push(next);
            }
            state = next;
        }
        (windows, times, at)
    }

    #[test]
    fn the_times_of_each_kind_are_exact() {
        for seed in 0..200 {
            let (windows, mut times, end) = thinned(seed, 3000, 1 + seed * 10, 2 + seed as u32 % 30);
            for window in &windows {
                assert!(window.parts.len() <= PARTS, "seed {seed}");
                assert_eq!(window.begin + window.parts.iter().map(|part| part.nanos).sum::<u64>(), window.since);
            }
            assert!(windows.windows(2).all(|two| two[0].since == two[1].begin), "seed {seed}: a gap");
            assert_eq!(windows.last().unwrap().since.max(end), end);
            for part in windows.iter().flat_map(|window| &window.parts) {
                *times.get_mut(&kind(part.state)).unwrap() -= part.nanos;
            }
            assert!(times.values().all(|&left| left == 0), "seed {seed}: {times:?}");
        }
    }

    #[test]
    fn the_number_of_windows_is_bounded_and_each_is_short() {
        let (windows, _, end) = thinned(7, 2_000_000, 2000, 4);
        assert!(windows.len() < 25_000, "{}", windows.len());
        for window in windows.iter().filter(|window| window.thinned > 0) {
            assert!(window.since - window.begin <= 2 * (end - 1000) / RESOLUTION);
        }
    }

    #[test]
    fn another_clock_leaves_no_gap() {
        let (mut windows, ..) = thinned(3, 3000, 50, 4);
        // A clock that is ahead and slow.
        windows.iter_mut().for_each(|window| window.change_clock(|time| 1_000_000 + time - time / 7));
        assert!(windows.windows(2).all(|two| two[0].since == two[1].begin));
        for window in &windows {
            assert_eq!(window.begin + window.parts.iter().map(|part| part.nanos).sum::<u64>(), window.since);
        }
        assert_eq!(windows[0].begin, 1_001_000 - 1000 / 7);
    }

    #[test]
    fn a_few_changes_are_kept_as_they_are() {
        let mut window = Window::new(10, 1);
        for (at, state) in [(20, 2), (30, 1), (40, 2), (50, 3)] {
            assert_eq!(window.turn(at, state, 10, kind), None);
        }
        let states: Vec<_> = window.parts.iter().map(|part| part.state).collect();
        assert_eq!((states, window.thinned, window.state, window.since), (vec![1, 2, 1, 2], 0, 3, 50));
    }
}

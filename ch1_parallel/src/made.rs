//! What a worker of the comparison of threads and processes hands back: its numbers, and when it made them.

use std::io::{self, Read, Write};

use bytemuck::{cast_slice, cast_slice_mut};
use rustix::time::{ClockId, clock_gettime};

use crate::do_something::{BLOCK, do_something};

/// When a worker began and when it ended, in seconds of [`now`], then its numbers: one list, which can be sent as it is.
#[derive(Clone, Debug)]
pub struct Made(Vec<f64>);

impl Made {
    /// Makes `count` random numbers. They depend on the seed and on which worker makes them, and not on where it does.
    #[must_use]
    pub fn by(worker: u64, count: usize, seed: u64) -> Self {
        let mut made = vec![now(), 0.0];
        do_something(count, seed, worker * count.div_ceil(BLOCK) as u64, &mut made);
        made[1] = now();
        Self(made)
    }

    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        &self.0[2..]
    }

    /// Writes all of it, times too.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all(cast_slice(&self.0))
    }

    /// Reads what [`write`](Self::write) wrote of so many numbers.
    ///
    /// # Errors
    /// Those of the reader, or it ends too early.
    pub fn read(count: usize, mut from: impl Read) -> io::Result<Self> {
        let mut made = vec![0.0; 2 + count];
        from.read_exact(cast_slice_mut(&mut made))?;
        Ok(Self(made))
    }
}

/// Seconds until the last of the workers had begun, from there until the last had ended, from there until now, and in all.
#[must_use]
pub fn times(start: f64, made: &[Made]) -> [f64; 4] {
    let all = now() - start;
    let last = |when: usize| made.iter().map(|made| made.0[when]).fold(start, f64::max) - start;
    [last(0), last(1) - last(0), all - last(1), all]
}

/// Seconds of the machine's monotonic clock, which all processes share.
#[must_use]
pub fn now() -> f64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let (made, mut bytes) = (Made::by(1, 100, 42), Vec::new());
        made.write(&mut bytes).unwrap();
        assert_eq!(Made::read(100, &bytes[..]).unwrap().0, made.0);
        assert!(Made::read(101, &bytes[..]).is_err());
        assert_ne!(made.numbers(), Made::by(0, 100, 42).numbers());
    }

    #[test]
    fn the_parts_are_all_of_the_time() {
        let start = now();
        let made = [Made::by(0, 10, 1), Made::by(1, 10, 1)];
        let [first, work, back, all] = times(start, &made);
        assert!(first >= 0.0 && work >= 0.0 && back >= 0.0);
        assert!((first + work + back - all).abs() < 1e-9);
    }
}

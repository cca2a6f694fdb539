//! The numbers that one worker makes in the comparison of threads and processes, and the times of this comparison.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write, stdout};
use std::time::Duration;

use anyhow::Context;
use bytemuck::{cast_slice, cast_slice_mut};
use course::clock::Moment;

use crate::do_something::{BLOCK, do_something};
use crate::memory;

/// The numbers of one worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When the worker began to make the numbers.
    pub began: Moment,
    /// When the worker had made all of them.
    pub ended: Moment,
    /// The numbers.
    pub numbers: Vec<f64>,
}

impl Batch {
    /// Makes `count` random numbers. They depend on `seed` and `worker` only: a thread and a process make the same ones.
    ///
    /// # Errors
    /// The numbers do not fit in the memory.
    pub fn make(worker: u64, count: usize, seed: u64) -> anyhow::Result<Self> {
        let began = Moment::now();
        let mut numbers = memory::room_for("the numbers of a worker", count)?;
        do_something(count, seed, worker * count.div_ceil(BLOCK) as u64, &mut numbers);
        Ok(Self { began, ended: Moment::now(), numbers })
    }

    /// Writes the batch as bytes: `began` and `ended` in nanoseconds (`u64`), then the numbers (`f64`), all in the byte order
    /// of this machine.
    ///
    /// # Errors
    /// The errors of the writer.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all(cast_slice(&[self.began.0, self.ended.0]))?;
        to.write_all(cast_slice(&self.numbers))
    }

    /// Reads a batch of `count` numbers that [`write`](Self::write) has written.
    ///
    /// # Errors
    /// The errors of the reader, the bytes end too early, or the numbers do not fit in the memory.
    pub fn read(count: usize, mut from: impl Read) -> anyhow::Result<Self> {
        let mut times = [0; 2];
        from.read_exact(cast_slice_mut(&mut times))?;
        let mut numbers = memory::filled("the numbers of a worker", 0.0, count)?;
        from.read_exact(cast_slice_mut(&mut numbers))?;
        Ok(Self { began: Moment(times[0]), ended: Moment(times[1]), numbers })
    }

    /// Writes the batch to stdout, which is a pipe to the parent. If the parent has closed the pipe, it does not need the
    /// numbers any more, so that is no error.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn hand_back(&self) -> anyhow::Result<()> {
        match self.write(stdout().lock()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.context("stdout"),
        }
    }
}

/// The three parts of the time that it takes to get a batch from every worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Until the last worker has begun.
    pub start: Duration,
    /// From then until the last worker has made its numbers.
    pub work: Duration,
    /// From then until all numbers are back.
    pub hand_back: Duration,
}

impl Times {
    /// The names of the columns in which `Times` are printed.
    pub const HEADER: &str = " start ms   work ms  hand back ms    all ms";

    /// The times of a run that began at `begin` and has its `batches` back now.
    #[must_use]
    pub fn of(begin: Moment, batches: &[Batch]) -> Self {
        let now = Moment::now();
        let last = |times: fn(&Batch) -> Moment| batches.iter().map(times).max().unwrap_or(begin);
        let (began, ended) = (last(|batch| batch.began), last(|batch| batch.ended));
        Self { start: began.since(begin), work: ended.since(began), hand_back: now.since(ended) }
    }

    /// The whole time.
    #[must_use]
    pub fn all(&self) -> Duration {
        self.start + self.work + self.hand_back
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [start, work, back, all] =
            [self.start, self.work, self.hand_back, self.all()].map(|time| time.as_secs_f64() * 1e3);
        write!(f, "{start:>9.2} {work:>9.2} {back:>13.2} {all:>9.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_written_can_be_read() {
        let (batch, mut bytes) = (Batch::make(1, 100, 42).unwrap(), Vec::new());
        batch.write(&mut bytes).unwrap();
        assert_eq!(Batch::read(100, &bytes[..]).unwrap(), batch);
        assert!(Batch::read(101, &bytes[..]).is_err());
    }

    #[test]
    fn each_worker_makes_other_numbers() {
        let numbers = |worker, seed| Batch::make(worker, BLOCK + 1, seed).unwrap().numbers;
        assert_eq!(numbers(1, 42), numbers(1, 42));
        assert_ne!(numbers(1, 42), numbers(1, 43));
        // Worker 1 makes whole blocks after those of worker 0, so no block is made twice.
        assert!(!numbers(0, 42).iter().any(|number| numbers(1, 42).contains(number)));
    }

    #[test]
    fn times_end_with_the_last_worker() {
        let batch = |began, ended| Batch { began: Moment(began), ended: Moment(ended), numbers: Vec::new() };
        let times = Times::of(Moment(100), &[batch(110, 150), batch(130, 140)]);
        assert_eq!((times.start.as_nanos(), times.work.as_nanos()), (30, 20));
        assert_eq!(times.all(), times.start + times.work + times.hand_back);
        // The clock of the machine is far beyond the 150 ns of this test.
        assert!(times.hand_back > Duration::ZERO);
        let times = Times { start: Duration::from_millis(1), work: Duration::from_millis(2), ..times };
        let times = Times { hand_back: Duration::from_millis(3), ..times };
        assert_eq!(times.to_string(), "     1.00      2.00          3.00      6.00");
    }
}

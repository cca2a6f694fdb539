//! A map: independent tasks that compute or wait, and give bytes back to the caller. The advisor (`benches/src/advisor`)
//! predicts which strategy is the fastest for it.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use crate::array::Array;
use crate::kernels::{count, waiting::answer};

/// The tasks. All of them are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// How many tasks there are.
    pub tasks: usize,
    /// To which number a task counts: its computation. 0 if it computes nothing.
    pub grain: u64,
    /// How long a task waits.
    pub wait: Duration,
    /// How many bytes it gives back.
    pub bytes: usize,
}

impl Map {
    /// The room for the result of a task, in bytes: at least one, so that each task has a place of its own.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.bytes.max(1)
    }

    /// Runs a task in this thread. Fills the result with its bytes, and returns a number that `check` adds up.
    #[must_use]
    pub fn run(&self, task: usize, result: &mut [u8]) -> u64 {
        let counted = count::task(black_box(self.grain));
        if !self.wait.is_zero() {
            thread::sleep(self.wait);
        }
        self.finish(task, counted, result)
    }

    /// What remains of a task after it has counted and waited.
    #[must_use]
    pub fn finish(&self, task: usize, counted: u64, result: &mut [u8]) -> u64 {
        result[..self.bytes].fill(byte(task));
        counted.wrapping_add(answer(task))
    }

    /// Runs the tasks from `first` on whose results have room in `results`, one after the other. Returns the sum of their
    /// numbers.
    #[must_use]
    pub fn run_all(&self, first: usize, results: &mut [u8]) -> u64 {
        let each = results.chunks_mut(self.stride()).zip(first..);
        each.fold(0, |sum, (result, task)| sum.wrapping_add(self.run(task, result)))
    }

    /// Says why the results of all tasks are wrong, or `None` if they are right. `sum` is the sum of the tasks' numbers,
    /// which a lost, a repeated or a shortened task changes.
    #[must_use]
    pub fn check(&self, results: &[u8], sum: u64) -> Option<String> {
        let counted = self.grain.wrapping_mul(self.tasks as u64);
        let right = (0..self.tasks).fold(counted, |sum, task| sum.wrapping_add(answer(task)));
        let is_right = |(task, result): (usize, &[u8])| result[..self.bytes].iter().all(|&each| each == byte(task));
        if sum != right {
            return Some(format!("the sum over the tasks is {sum}, not {right}"));
        }
        if results.len() != self.tasks * self.stride() {
            return Some(format!("{} bytes came back, not {}", results.len(), self.tasks * self.stride()));
        }
        let wrong = results.chunks(self.stride()).enumerate().find(|&each| !is_right(each));
        wrong.map(|(task, _)| format!("the result of task {task} is wrong"))
    }

    /// The flags that describe the tasks to the program `map_mpi`.
    #[must_use]
    pub fn to_args(&self) -> Vec<String> {
        let Self { tasks, grain, wait, bytes } = self;
        let numbers = [("--tasks", *tasks as u128), ("--grain", (*grain).into()), ("--wait-ns", wait.as_nanos())];
        let flags = numbers.into_iter().chain([("--bytes", *bytes as u128)]);
        flags.flat_map(|(flag, value)| [flag.to_owned(), value.to_string()]).collect()
    }
}

/// Each byte of a task's result. It is never 0, so the check finds memory that no worker has written.
fn byte(task: usize) -> u8 {
    (task % 255) as u8 + 1
}

/// Memory for the results of all tasks, one after the other.
#[derive(Debug)]
pub struct Results {
    array: Array,
    bytes: usize,
}

impl Results {
    /// Room for the results of `tasks` tasks.
    ///
    /// # Errors
    /// The system does not give the memory.
    pub fn new(map: &Map, tasks: usize) -> anyhow::Result<Self> {
        let bytes = tasks.checked_mul(map.stride());
        let bytes = bytes.ok_or_else(|| anyhow!("{tasks} results of {} bytes are too many", map.bytes))?;
        Ok(Self { array: Array::zeros("the results", bytes.div_ceil(size_of::<f64>()))?, bytes })
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.array[..])[..self.bytes]
    }

    /// The bytes, to be written.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.array[..])[..self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_finds_lost_repeated_and_wrong_results() {
        for bytes in [0, 1, 3, 1000] {
            let map = Map { tasks: 300, grain: 5, wait: Duration::ZERO, bytes };
            let mut results = Results::new(&map, map.tasks).unwrap();
            let sum = map.run_all(0, results.bytes_mut());
            assert_eq!(map.check(results.bytes(), sum), None);
            assert!(map.check(results.bytes(), sum - 5).is_some(), "a task that counted nothing");
            assert!(map.check(&results.bytes()[..299 * map.stride()], sum).is_some(), "a lost result");
            if bytes > 0 {
                results.bytes_mut()[7 * bytes] = 0;
                assert!(map.check(results.bytes(), sum).unwrap().contains("task 7"));
            }
        }
    }

    #[test]
    fn a_share_begins_at_its_first_task() {
        let map = Map { tasks: 10, grain: 1, wait: Duration::from_nanos(1), bytes: 4 };
        let mut results = Results::new(&map, map.tasks).unwrap();
        let (one, other) = results.bytes_mut().split_at_mut(6 * 4);
        let sum = map.run_all(0, one) + map.run_all(6, other);
        assert_eq!(map.check(results.bytes(), sum), None);
    }

    #[test]
    fn too_much_memory_is_an_error() {
        let map = Map { tasks: usize::MAX, grain: 0, wait: Duration::ZERO, bytes: 8 };
        assert!(Results::new(&map, map.tasks).is_err());
    }
}

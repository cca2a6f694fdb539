//! How tasks get into the queue of a pool.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chunk::Chunk;
use super::protocol::TASKS;
use super::{Pool, TaskCause};

impl<A: Serialize, R: DeserializeOwned> Pool<A, R> {
    /// Makes chunks of these tasks.
    pub(super) fn add_tasks(&mut self, tasks: impl IntoIterator<Item = A>) {
        let mut chunk = Chunk::new(self.next_task);
        for task in tasks {
            let number = self.next_task;
            self.next_task += 1;
            if number >= self.mapped.0 {
                self.mapped.1.push(None);
            }
            let refused = chunk.add(&(task,)).err();
            if refused.is_some() || chunk.is_large() {
                self.add_chunk(std::mem::replace(&mut chunk, Chunk::new(number + 1)));
            }
            if let Some(why) = refused {
                self.store(number, Err(TaskCause::Task(why)));
            }
        }
        self.add_chunk(chunk);
    }

    /// Puts chunks into the queue while there is room.
    pub(super) fn fill_queue(&mut self) {
        while let Some(&number) = self.waiting.front() {
            let pushed =
                self.unfinished.get(&number).map_or(Some(true), |chunk| self.tasks.push(&chunk.message(number)));
            match pushed {
                Some(false) => break,
                Some(true) => {}
                None => self.split(number),
            }
            self.waiting.pop_front();
        }
    }

    /// Splits a chunk that is longer than the queue. Only its last task can be too long: a chunk is closed as soon as it is
    /// large.
    fn split(&mut self, number: u64) {
        let Some(chunk) = self.unfinished.remove(&number) else { return };
        let task = chunk.first();
        let (first, rest) = chunk.split_first();
        if rest.is_empty() {
            let why = format!("it is longer than the {TASKS} bytes of the pool's queue");
            self.store(task, Err(TaskCause::Task(why)));
        } else {
            self.add_chunk(first);
            self.add_chunk(rest);
        }
    }

    /// Adds a chunk to those that must be run.
    pub(super) fn add_chunk(&mut self, chunk: Chunk) {
        if !chunk.is_empty() {
            self.unfinished.insert(self.next_chunk, chunk);
            self.waiting.push_back(self.next_chunk);
            self.next_chunk += 1;
        }
    }
}

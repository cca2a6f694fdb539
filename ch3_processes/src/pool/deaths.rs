//! What a pool does when a worker has ended.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chunk::{self, Chunk};
use super::{Pool, Repeated, TRIES, TaskCause};
use crate::process::{Cause, Child, Error};

impl<A: Serialize, R: DeserializeOwned> Pool<A, R> {
    /// Replaces a worker that has ended, and gives its tasks to the other workers.
    pub(super) fn replace(&mut self, number: usize) {
        let mut failed = None;
        if let Some(ended) = self.workers[number].child.take() {
            let last = self.taken[number].chunk();
            match self.lost_chunk(number, last) {
                Some(chunk) => self.repeat(chunk, ended),
                None if last == 0 => {
                    self.ended_without_task += 1;
                    failed = ended.result().err();
                }
                None => {}
            }
        }
        match self.start(number) {
            Ok(worker) => {
                self.workers[number] = worker;
                // Perhaps each new worker ends before it takes a task. The pool would then start workers for ever.
                failed = failed.filter(|_| self.ended_without_task > TRIES as usize * self.workers.len());
            }
            // The other workers continue, and the pool tries to start this one again later.
            Err(_) if self.workers.iter().any(|worker| worker.child.is_some()) => return,
            Err(error) => failed = Some(error),
        }
        if let Some(error) = failed {
            self.give_up(&error);
        }
    }

    /// The tasks that an ended worker had taken and not completed. `last` is the number of the chunk that it took last.
    fn lost_chunk(&mut self, number: usize, last: u64) -> Option<Chunk> {
        // A worker writes down which chunk it takes before it removes the chunk from the queue, and can die between the two.
        // Then the chunk is still in the queue, or another worker has taken it.
        let elsewhere = self.tasks.look(|next| next.map(chunk::number) == Some(last))
            || (0..self.workers.len()).any(|other| other != number && self.taken[other].chunk() == last);
        // This comes after the look into the queue: if another worker took the chunk and has completed it, its results
        // are here now.
        self.collect();
        if elsewhere { None } else { self.unfinished.remove(&last) }
    }

    /// Reports an error for each task that has no result yet, since there may be no worker to run it. Results that arrive later
    /// are dropped.
    fn give_up(&mut self, error: &Error) {
        self.ended_without_task = 0;
        self.waiting.clear();
        let unfinished = std::mem::take(&mut self.unfinished);
        for task in unfinished.into_values().flat_map(|chunk| chunk.tasks()) {
            self.store(task, Err(TaskCause::Worker(error.to_string())));
        }
    }

    /// Gives a chunk to the workers again, after its first task has ended a worker. If this task has ended two workers,
    /// only the tasks behind it are run again.
    fn repeat(&mut self, chunk: Chunk, worker: Child<()>) {
        let (task, name) = (chunk.first(), worker.name().to_owned());
        let (mut first, rest) = chunk.split_first();
        let Err(why) = worker.result().map_err(Error::into_cause) else { return };
        first.ended_workers += 1;
        let cause = match why {
            Cause::Ended(status) if first.ended_workers < TRIES => {
                let task = if task >= self.mapped.0 { task - self.mapped.0 } else { task };
                self.repeated.push(Repeated { worker: name, task, status });
                self.add_chunk(first);
                self.add_chunk(rest);
                return;
            }
            Cause::Ended(status) => TaskCause::Ended(status),
            Cause::Panicked(text) => TaskCause::Panicked(text),
            other => TaskCause::Failed(other.to_string()),
        };
        self.store(task, Err(cause));
        self.add_chunk(rest);
    }
}

//! What a pool does when a worker has ended.

use std::sync::atomic::Ordering::Acquire;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Chunk, Pool, Repeated, TRIES, TaskCause, TaskError, chunk};
use crate::process::{Cause, Child, Error};

impl<A: Serialize, R: DeserializeOwned> Pool<A, R> {
    /// Puts another worker in the place of one that has ended, and gives its tasks to the others.
    pub(super) fn replace(&mut self, number: usize) {
        let mut failed = None;
        if let Some(ended) = self.workers[number].child.take() {
            let last = self.taken[number].0.load(Acquire);
            match self.lost(number, last) {
                Some(chunk) => self.repeat(chunk, ended),
                None if last == 0 => {
                    self.useless += 1;
                    failed = ended.join().err();
                }
                None => {}
            }
        }
        match self.start(number) {
            Ok(worker) => {
                self.workers[number] = worker;
                // All of them may end before they take anything, for ever.
                failed = failed.filter(|_| self.useless > TRIES as usize * self.workers.len());
            }
            // The others go on, and this one is tried again.
            Err(_) if self.workers.iter().any(|worker| worker.child.is_some()) => return,
            Err(error) => failed = Some(error),
        }
        if let Some(error) = failed {
            self.give_up(&error);
        }
    }

    /// What an ended worker had taken and has not done; `last` is the number of the chunk that it took last.
    fn lost(&mut self, number: usize, last: u64) -> Option<Chunk> {
        // A worker notes what it takes before that is gone from the queue, and can die between the two. Then the chunk is
        // there still, or another has taken it.
        let kept = self.tasks.look(|next| next.map(chunk::number) == Some(last))
            || (0..self.workers.len()).any(|other| other != number && self.taken[other].0.load(Acquire) == last);
        // After that look: if another had it and is done, its results are here now.
        self.collect();
        if kept { None } else { self.open.remove(&last) }
    }

    /// Fails all that is to do, since there may be nobody who does it. What is done even so is dropped when it comes.
    fn give_up(&mut self, error: &Error) {
        self.useless = 0;
        self.waiting.clear();
        let tasks: Vec<_> = std::mem::take(&mut self.open).into_values().flat_map(|chunk| chunk.tasks()).collect();
        for task in tasks {
            self.came(Err(TaskError { task, cause: TaskCause::Worker(error.to_string()) }));
        }
    }

    /// Goes on with a chunk whose first task has ended its worker.
    fn repeat(&mut self, chunk: Chunk, worker: Child<()>) {
        let (task, name) = (chunk.first(), worker.name().to_owned());
        let (mut one, rest) = chunk.split_first();
        let Err(why) = worker.join().map_err(Error::into_cause) else { return };
        one.failed += 1;
        let cause = match why {
            Cause::Ended(status) if one.failed < TRIES => {
                self.repeated.push(Repeated {
                    worker: name,
                    task: if task >= self.mapped.0 { task - self.mapped.0 } else { task },
                    status,
                });
                self.open(one);
                self.open(rest);
                return;
            }
            Cause::Ended(status) => TaskCause::Ended(status),
            Cause::Panicked(text) => TaskCause::Panicked(text),
            other => TaskCause::Failed(other.to_string()),
        };
        self.came(Err(TaskError { task, cause }));
        self.open(rest);
    }
}

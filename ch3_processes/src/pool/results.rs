//! How a pool reads the results of its workers.

use serde::de::DeserializeOwned;

use super::protocol::{ResultHead, ResultKind};
use super::{Pool, TaskCause, TaskError};

impl<A, R: DeserializeOwned> Pool<A, R> {
    /// Reads all results that have arrived.
    pub(super) fn collect(&mut self) {
        for number in 0..self.workers.len() {
            loop {
                let worker = &mut self.workers[number];
                if worker.results.read(&mut worker.read, usize::MAX) == 0 {
                    break;
                }
                worker.results.free();
                let mut bytes = std::mem::take(&mut worker.read);
                let used = self.take_in(&bytes);
                bytes.drain(..used);
                self.workers[number].read = bytes;
            }
        }
    }

    /// Stores the complete results at the front of these bytes, and returns how many bytes that were.
    fn take_in(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        while let Some((head, rest)) = bytes[used..].split_first_chunk() {
            let head = ResultHead::from_bytes(head);
            let Some(result) = rest.get(..head.length) else { break };
            used += ResultHead::LENGTH + head.length;
            self.ended_without_task = 0;
            let Some(chunk) = self.unfinished.get_mut(&head.chunk) else { continue };
            let task = chunk.first();
            chunk.remove_first();
            if chunk.is_empty() {
                self.unfinished.remove(&head.chunk);
            }
            let result = match head.kind {
                Some(ResultKind::Value) => {
                    postcard::from_bytes(result).map_err(|error| TaskCause::Result(error.to_string()))
                }
                Some(ResultKind::Failed) => Err(TaskCause::Failed(String::from_utf8_lossy(result).into())),
                None => Err(TaskCause::Result("it is neither a value nor an error".into())),
            };
            self.store(task, result);
        }
        used
    }

    /// Keeps the result of a task until the caller of `map` or `join` gets it.
    pub(super) fn store(&mut self, task: u64, result: Result<R, TaskCause>) {
        let result = result.map_err(|cause| TaskError { task, cause });
        match task.checked_sub(self.mapped.0) {
            Some(place) => self.mapped.1[place as usize] = Some(result),
            None => {
                self.submitted.insert(task, result);
            }
        }
    }
}

//! The worker's side of a pool.

use std::marker::PhantomData;

use course::lanes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::chunk;
use super::protocol::{Awaited, Control, RESULTS, ResultHead, ResultKind, Taken};
use crate::machinery::memory::SharedAtomics;
use crate::machinery::messages::Messages;
use crate::machinery::ring::Writer;
use crate::process::Function;

/// A function that a worker calls for each task of a pool. As a function of a child it takes the [`WorkerArguments`].
#[doc(hidden)]
pub struct ForTasks<F, A> {
    function: F,
    takes: PhantomData<fn(A)>,
}

impl<F: Function<A>, A> ForTasks<F, A> {
    #[must_use]
    pub fn of(function: F) -> Self {
        Self { function, takes: PhantomData }
    }
}

impl<F: Function<A>, A: DeserializeOwned + 'static> Function<(WorkerArguments,)> for ForTasks<F, A> {
    type Value = ();

    fn call(&self, (worker,): (WorkerArguments,)) -> anyhow::Result<()> {
        work(worker, |task| self.function.call(task));
        Ok(())
    }
}

/// What a worker needs.
#[doc(hidden)]
#[derive(Debug, Serialize, Deserialize)]
pub struct WorkerArguments {
    pub(super) tasks: Messages,
    pub(super) control: SharedAtomics<Control>,
    pub(super) taken: SharedAtomics<Taken>,
    /// The worker's number, which is its place in `taken`.
    pub(super) number: usize,
    pub(super) results: Writer,
}

/// Calls the function for the tasks of a pool until the pool is closed.
fn work<A: DeserializeOwned, R: Serialize>(mut worker: WorkerArguments, call: impl Fn(A) -> anyhow::Result<R>) {
    let mut result = Vec::new();
    loop {
        let taken = &worker.taken[worker.number];
        let note = |message: &[u8]| taken.set(chunk::number(message));
        let closed = || worker.control[0].is_closed();
        let Some(message) = lanes::wait("tasks", || worker.tasks.pop_waiting(closed, note)) else { return };
        let Some((chunk, count, mut tasks)) = chunk::parse(&message) else { continue };
        for _ in 0..count {
            let called = match postcard::take_from_bytes(tasks) {
                Ok((task, rest)) => {
                    tasks = rest;
                    call(task)
                }
                Err(error) => Err(anyhow::anyhow!("its argument cannot be read: {error}")),
            };
            result.clear();
            result.resize(ResultHead::LENGTH, 0);
            let written = called.and_then(|value| Ok(postcard::to_io(&value, &mut result).map(|_| ())?));
            let kind = match written {
                Ok(()) => ResultKind::Value,
                Err(error) => {
                    result.truncate(ResultHead::LENGTH);
                    result.extend(format!("{error:#}").as_bytes());
                    ResultKind::Failed
                }
            };
            let head = ResultHead::to_bytes(chunk, result.len() - ResultHead::LENGTH, kind);
            result[..ResultHead::LENGTH].copy_from_slice(&head);
            send(&mut worker, &result);
        }
        let control = &worker.control[0];
        let awaited = match control.awaited() {
            Awaited::EmptyQueue => worker.tasks.is_empty(),
            Awaited::HalfEmptyQueue => worker.tasks.is_half_empty(),
            Awaited::EachChunk => true,
        };
        if awaited {
            control.bell.ring();
        }
    }
}

/// Sends a result to the pool. Wakes the pool when half of the room for results is used.
fn send(worker: &mut WorkerArguments, mut result: &[u8]) {
    loop {
        let before = worker.results.unread();
        let written = worker.results.write(result);
        worker.results.publish();
        result = &result[written..];
        if before <= RESULTS / 2 && worker.results.unread() > RESULTS / 2 || written == 0 {
            worker.control[0].bell.ring();
        }
        if result.is_empty() {
            return;
        }
        if written == 0 {
            // If the pool does not read any more, it ends this process.
            worker.results.wait_for_room(|| false);
        }
    }
}

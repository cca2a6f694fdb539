//! `waiting` by asynchronous tasks: one task for each request in flight, all on one thread.
//!
//! A task that waits is an entry in the list of timers and some bytes of memory. The thread serves whichever task is ready, so
//! one thread is enough for any number of requests as long as each needs the processor only for a moment. Tokio's timers have a
//! resolution of one millisecond: a sleep may take up to one millisecond longer than asked.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::Context;
use ch1_parallel::kernels::waiting::{Answers, answer, delay, solve};
use ch1_parallel::kernels::{Measured, Problem};
use course::lanes;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::sleep;

/// Each task makes the next request until no request is left. The tasks share the number of the next request in a plain cell:
/// they run on one thread, and between two awaits no other task runs.
///
/// # Errors
/// The system gives no event loop.
pub fn tasks(problem: &Problem) -> anyhow::Result<Measured> {
    let event_loop = Builder::new_current_thread().enable_time().build().context("the event loop")?;
    Ok(solve(problem, || {
        let tasks = LocalSet::new();
        lanes::wait("tasks", || tasks.block_on(&event_loop, requests(*problem)))
    }))
}

async fn requests(problem: Problem) -> Answers {
    let next = Rc::new(Cell::new(0));
    let workers = problem.workers.min(problem.size);
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let next = next.clone();
            tokio::task::spawn_local(lanes::task(format!("worker {worker}"), async move {
                let mut answers = Answers::default();
                while next.get() < problem.size {
                    let number = next.replace(next.get() + 1);
                    lanes::sleeping("request", sleep(delay(&problem))).await;
                    answers.add(answer(number));
                }
                answers
            }))
        })
        .collect();
    let mut all = Answers::default();
    for task in tasks {
        all = all.with(lanes::wait_for("a worker", task).await.expect("the task does not panic"));
    }
    all
}

//! Why a task was run again, or has no result.

use std::fmt;
use std::process::ExitStatus;

/// A worker died in a task, which was then run again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Repeated {
    /// The name of the worker.
    pub worker: String,
    /// The number of the task: its place in its [`map`](crate::Pool::map), or its place among all tasks that were given to the pool.
    pub task: u64,
    /// How the worker ended.
    pub status: ExitStatus,
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended in task {} ({}), which is run again", self.worker, self.task, self.status)
    }
}

/// Why a task has no result.
#[derive(Debug)]
#[non_exhaustive]
pub struct TaskError {
    /// The number of the task: its place in its [`map`](crate::Pool::map), or its place among all tasks that were given to the pool.
    pub task: u64,
    /// What happened.
    pub cause: TaskCause,
}

/// What happened to a task that has no result: see [`TaskError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskCause {
    /// The function returned an error: this text.
    Failed(String),
    /// The function panicked: text, file and line.
    Panicked(String),
    /// The task ended its worker, and a second worker when it was run again.
    Ended(ExitStatus),
    /// The result cannot be read.
    Result(String),
    /// The task cannot be sent.
    Task(String),
    /// No worker is left and none could be started, or the workers end before they take a task.
    Worker(String),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}: ", self.task)?;
        match &self.cause {
            TaskCause::Failed(text) | TaskCause::Worker(text) => write!(f, "{text}"),
            TaskCause::Panicked(text) => write!(f, "it panicked: {text}"),
            TaskCause::Ended(status) => write!(f, "it ended its worker, twice: {status}"),
            TaskCause::Result(text) => write!(f, "its result cannot be read: {text}"),
            TaskCause::Task(text) => write!(f, "it cannot be sent: {text}"),
        }
    }
}

impl std::error::Error for TaskError {}

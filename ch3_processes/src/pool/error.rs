//! What can become of a task besides its result.

use std::fmt;
use std::process::ExitStatus;

/// A worker died in a task, which was then run again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Repeated {
    /// The name of the worker.
    pub worker: String,
    /// The number of the task: in its [`map`](crate::Pool::map), or else among all that the pool was given.
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
    /// The number of the task: in its [`map`](crate::Pool::map), or else among all that the pool was given.
    pub task: u64,
    /// What happened.
    pub cause: TaskCause,
}

/// See [`TaskError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskCause {
    /// The function returned an error: this text.
    Failed(String),
    /// It panicked: text, file and line.
    Panicked(String),
    /// It ended its worker, and did so again when it was run again.
    Ended(ExitStatus),
    /// Its result cannot be read.
    Result(String),
    /// The task cannot be sent.
    Task(String),
    /// No worker is left and none could be started, or they end before they take anything.
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

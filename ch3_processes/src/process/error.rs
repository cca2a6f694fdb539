//! Why a child has no result.

use std::fmt;
use std::io;
use std::process::ExitStatus;

/// Why a child has no result.
#[derive(Debug)]
pub struct Error {
    process: String,
    cause: Cause,
}

/// What happened to a child that has no result: see [`Error::cause`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The process could not be started.
    Start(io::Error),
    /// The function returned an error, or its output could not be written: this text.
    Failed(String),
    /// It panicked: text, file and line.
    Panicked(String),
    /// The process ended before its function returned: by a signal, or a call of `exit`.
    Ended(ExitStatus),
    /// The result was cut off or cannot be read.
    Result(io::Error),
    /// There is no result, and the system does not know how the process ended.
    Wait(io::Error),
}

impl Error {
    pub(crate) fn new(process: &str, cause: Cause) -> Self {
        Self { process: process.into(), cause }
    }

    /// The name of the process.
    #[must_use]
    pub fn process(&self) -> &str {
        &self.process
    }

    /// What happened to it.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    pub(crate) fn into_cause(self) -> Cause {
        self.cause
    }
}

impl Cause {
    /// Whether this failure is probably not a consequence of the failure of another process.
    pub(super) fn is_first(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::Panicked(_))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "it cannot be started: {error}"),
            Self::Failed(text) => write!(f, "{text}"),
            Self::Panicked(text) => write!(f, "it panicked: {text}"),
            Self::Ended(status) => write!(f, "it ended before its work was done: {status}"),
            Self::Result(error) => write!(f, "its result cannot be read: {error}"),
            Self::Wait(error) => write!(f, "waiting for its end: {error}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.process, self.cause)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The text above contains the cause, and a chain of errors would repeat it.
        None
    }
}

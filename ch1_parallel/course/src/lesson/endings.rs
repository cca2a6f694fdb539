//! How a program ends when something goes wrong: one line on stderr and an exit status.

use std::fmt;
use std::io::{self, Write};
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGABRT, SIGCHLD, SIGXFSZ};
use signal_hook::flag;

use super::hold::hold;
use super::refusal::Refusal;

/// Turns the result of a run into its exit status, and an error into one line on stderr.
#[must_use]
pub fn report(result: anyhow::Result<()>) -> ExitCode {
    hold();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Shown>() => {
            let _ = io::stderr().write_all(format!("{error}\n").as_bytes());
            ExitCode::from(super::HANGS)
        }
        Err(error) => {
            say_error(&chain(&error));
            // A job of many ranks must not go on without this one.
            if AT_FAILURE.get().is_some() {
                fail();
            }
            ExitCode::FAILURE
        }
    }
}

/// What a hazard has shown: what went wrong, and how. As the error of a program it is printed as it is, and the exit status is that
/// of a hang.
#[derive(Clone, Debug)]
pub struct Shown(pub String);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Shown {}

/// The error and its causes, each text once: some errors repeat the text of their cause.
fn chain(error: &anyhow::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in error.chain().map(ToString::to_string) {
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

static AT_FAILURE: OnceLock<fn(i32)> = OnceLock::new();
static FAILED: AtomicBool = AtomicBool::new(false);

/// Makes a failed program call `act` with the exit status before it ends: an MPI rank ends its whole job there. The first
/// call counts.
pub fn at_failure(act: fn(i32)) {
    let _ = AT_FAILURE.set(act);
}

/// Ends the program with status 1, from any thread. Say why before.
pub fn fail() -> ! {
    hold();
    if let Some(act) = AT_FAILURE.get() {
        act(1);
    }
    exit(1)
}

static SPEAKER: OnceLock<String> = OnceLock::new();

/// Puts `speaker` before the text of every error: it says which rank of a job had the error. The first call counts.
pub fn speak_as(speaker: &str) {
    let _ = SPEAKER.set(speaker.into());
}

/// The name that stands before errors and reports, if this process is one of several.
pub fn process_name() -> Option<&'static str> {
    SPEAKER.get().map(String::as_str)
}

/// Prints `error: ...` as one line, whatever it contains.
pub fn say_error(what: &str) {
    let speaker = SPEAKER.get().map(|speaker| format!("{speaker}: ")).unwrap_or_default();
    let line: Vec<_> = what.lines().map(str::trim).filter(|part| !part.is_empty()).collect();
    // Not `eprintln!`: it panics if stderr is closed, and the panic hook calls this function.
    let _ = io::stderr().write_all(format!("error: {speaker}{}\n", line.join(" ")).as_bytes());
}

/// Gives the signals that a program relies on the meaning that it expects, whatever its parent did with them.
///
/// - SIGCHLD: where it is ignored, the system forgets how children ended. A handler that does nothing changes that.
/// - SIGXFSZ (a file is too large): without a handler it kills the process; with one the write fails with an error.
/// - SIGABRT: std aborts when there is no memory, after one line on stderr. The process ends with status 1.
pub fn prepare_signals() {
    let nothing = || Arc::new(AtomicBool::new(false));
    if is_ignored(SIGCHLD) {
        let _ = flag::register(SIGCHLD, nothing());
    }
    let _ = flag::register(SIGXFSZ, nothing());
    let _ = flag::register_conditional_shutdown(SIGABRT, 1, Arc::new(AtomicBool::new(true)));
}

/// Whether this process ignores the signal, as `/proc` says: bit N - 1 of a hexadecimal number stands for signal N.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Makes a panic in any thread end the program with one line and status 1.
///
/// A panic that only ended its own thread would leave other threads waiting for it at a barrier.
pub fn end_at_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("panicked");
        let refusal = Refusal::of_panic(said);
        if refusal == Some(Refusal::NoReader) {
            end_without_reader();
        }
        hold();
        // The panics that follow from the first say nothing new.
        if !FAILED.swap(true, Relaxed) {
            say_error(&match (refusal, std::thread::current().name(), panic.location()) {
                (Some(Refusal::Other(told)), ..) => told,
                (_, None | Some("main"), Some(place)) => format!("{said} ({}:{})", place.file(), place.line()),
                (_, Some(thread), Some(place)) => format!("{thread}: {said} ({}:{})", place.file(), place.line()),
                (_, _, None) => said.into(),
            });
            fail();
        }
    }));
}

/// Ends the program quietly: the reader of its output has closed it.
pub fn end_without_reader() -> ! {
    hold();
    exit(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_says_each_text_once() {
        let error = anyhow::anyhow!("no room").context("writing: no room").context("a.svg");
        assert_eq!(chain(&error), "a.svg: writing: no room");
    }
}

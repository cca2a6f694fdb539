//! Runs another program with a limit on its time.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::lanes;
use crate::lesson::STARTER;

/// How a program ended, and what it printed.
#[derive(Debug)]
pub struct Finished {
    /// How it ended; `None` if it was killed because its time was over.
    pub status: Option<ExitStatus>,
    /// All it printed.
    pub stdout: String,
    /// All its remarks and errors.
    pub stderr: String,
    /// The time from its start to its end.
    pub took: Duration,
}

impl Finished {
    /// Its exit status; `None` if a signal ended it or its time was over.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// The last line on stderr that says something, for a report in one line.
    #[must_use]
    pub fn last_remark(&self) -> &str {
        let mut lines = self.stderr.lines().rev();
        let error = self.stderr.lines().find(|line| line.starts_with("error:"));
        error.or_else(|| lines.find(|line| !line.trim().is_empty())).unwrap_or("").trim()
    }
}

/// Runs `command` without standard input and collects what it prints. After `limit` the process is
/// killed, by its id. A program of the course also ends when this process ends, in whatever way.
///
/// # Errors
/// The program cannot be started or waited for.
#[track_caller]
pub fn run(command: &mut Command, limit: Duration) -> io::Result<Finished> {
    let start = Instant::now();
    command.env(STARTER, std::process::id().to_string());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));

    let status = lanes::wait("program", || {
        loop {
            if let Some(status) = child.try_wait()? {
                break io::Result::Ok(Some(status));
            }
            if start.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                break Ok(None);
            }
            // Short compared with the start of a process, long compared with the cost of asking.
            thread::sleep(Duration::from_micros(500));
        }
    })?;
    let took = start.elapsed();
    // A grandchild may keep the pipes open for longer; what it prints then is not this program's output. On a loaded machine the
    // threads that collect may wait for a core for longer than a second.
    let rest = Duration::from_secs(3);
    let text = |output: mpsc::Receiver<Vec<u8>>| {
        let end = Instant::now() + rest;
        let mut bytes = Vec::new();
        while let Ok(more) = output.recv_timeout(end.saturating_duration_since(Instant::now())) {
            bytes.extend(more);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(Finished { status, stdout: text(stdout), stderr: text(stderr), took })
}

fn collect(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut chunk = vec![0; 1 << 16];
        if let Some(mut output) = output {
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        }
    });
    receiver
}

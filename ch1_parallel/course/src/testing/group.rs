//! What the tests of real programs need.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process_group};

use super::proc::{Process, members_of, pid, wait_for};

/// Long beside anything a test waits for, on a busy machine too.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A program that leads a process group of its own, in which all its children are.
pub struct Group {
    /// The program.
    pub child: Child,
    output: Option<BufReader<ChildStdout>>,
    errors: mpsc::Receiver<String>,
}

impl Group {
    /// Starts it with its stdout and stderr piped to the test.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    /// Starts it with this stdout, which the test does not read.
    pub fn start_with(command: &mut Command, stdout: impl Into<Stdio>) -> Self {
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().map(BufReader::new);
        let mut stderr = child.stderr.take().unwrap();
        let (sender, errors) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            let _ = sender.send(text);
        });
        Self { child, output, errors }
    }

    /// The id of the program, which is that of its group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let (output, line) = read_line(self.output.take().expect("open output")).unwrap_or_else(|| {
            self.signal_all(Signal::KILL);
            panic!("the program printed no line within {LIMIT:?}");
        });
        self.output = Some(output);
        line
    }

    /// From now on nobody reads what it prints.
    pub fn close_output(mut self) -> Self {
        self.output = None;
        self
    }

    /// Reads what it prints until nobody holds its stdout any more.
    pub fn read_output(&mut self) -> thread::JoinHandle<String> {
        let mut output = self.output.take().expect("open output");
        thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).unwrap();
            text
        })
    }

    /// Sends a signal to the program and all its children.
    pub fn signal_all(&self, signal: Signal) {
        kill_process_group(pid(self.id()), signal).unwrap();
    }

    /// The program and its children, those that are alive.
    pub fn members(&self) -> Vec<Process> {
        members_of(self.id())
    }

    /// Waits for the end of the program, and for that of its children within a second more.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = wait_for("end of the program", LIMIT, || self.child.try_wait().unwrap());
        self.all_gone();
        let errors = self.errors.recv_timeout(LIMIT).expect("nobody holds stderr any more");
        (status, errors)
    }

    /// Waits at most a second until no process of the group is alive.
    pub fn all_gone(&self) {
        wait_for("end of all children", Duration::from_secs(1), || self.members().is_empty().then_some(()));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A test that failed leaves nothing. The id is still the program's: nobody has waited for it, or it is refused.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.signal_all(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Reads a line within the limit. The reader comes back, unless no line came.
pub(super) fn read_line<R: BufRead + Send + 'static>(mut output: R) -> Option<(R, String)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        // The receiver is gone if the line was late.
        let _ = sender.send((output, line));
    });
    receiver.recv_timeout(LIMIT).ok()
}

fn entries(folder: &str) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

/// Runs `act` and sees that no file is left by it. Other programs make files there too, but not in each try.
pub fn leaves_no_file(mut act: impl FnMut()) {
    let all = || -> BTreeSet<_> { ["/dev/shm", "/tmp"].into_iter().flat_map(entries).collect() };
    let mut left = BTreeSet::new();
    for _ in 0..5 {
        let before = all();
        act();
        left = all().difference(&before).cloned().collect();
        if left.is_empty() {
            return;
        }
    }
    panic!("left behind: {left:?}");
}

/// Asserts that stderr holds nothing but what lanes are doing, as a program says it after Ctrl-C.
pub fn assert_only_reports(stderr: &str) {
    let report = |line: &str| line.starts_with("interrupted: ") && line.contains(" since ");
    assert!(stderr.lines().all(report), "{stderr}");
}

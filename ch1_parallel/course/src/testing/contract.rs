//! What every program promises, checked on the real program. Each chapter's tests include this file.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::group::{assert_only_reports, read_line};
use super::{pictures, traces};
use crate::program::{self, Finished};
use rustix::fs::Mode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// No run of a test takes longer than this, or it hangs.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// A program and what is special about it.
pub struct Program {
    /// `env!("CARGO_BIN_EXE_...")`.
    pub path: &'static str,
    /// Its source file, whose `//!` lines `--help` repeats.
    pub source: &'static str,
    /// Flags of its own with values that make no sense.
    pub bad: &'static [&'static [&'static str]],
    /// Flags that make it run for longer than a test waits; none if it cannot.
    pub long: &'static [&'static str],
}

impl Program {
    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Finished {
        let finished = program::run(Command::new(self.path).args(args), LIMIT).expect("the program starts");
        assert!(finished.status.is_some(), "{self} {args:?} did not end within {LIMIT:?}");
        finished
    }

    /// Runs it to an end that must be good, and returns what it printed.
    pub fn succeeds(&self, args: &[&str]) -> String {
        let finished = self.run(args);
        assert_eq!(finished.code(), Some(0), "{self} {args:?}: {finished:?}");
        assert!(finished.stderr.is_empty(), "{self} {args:?}: {}", finished.stderr);
        finished.stdout
    }

    /// All promises.
    pub fn keeps_its_promises(&self) {
        self.succeeds(&[]);
        self.succeeds(&["--pace", "0"]);
        self.succeeds(&["--seed", "7"]);
        self.helps();
        self.refuses_bad_flags();
        self.draws();
        self.draws_into_a_named_pipe();
        self.says_that_files_may_not_grow();
        self.minds_no_ignored_signals();
        self.needs_the_folder_of_a_file();
        self.says_that_the_disk_is_full();
        self.ends_quietly_when_nobody_reads();
        if !self.long.is_empty() {
            self.ends_at_ctrl_c();
        }
    }

    /// The promises that depend on the program itself, for a chapter whose programs all begin and end in the same way, and start
    /// slowly.
    pub fn keeps_its_own_promises(&self) {
        self.succeeds(&["--seed", "7"]);
        self.helps();
        self.refuses_bad_flags();
        self.draws();
        self.ends_quietly_when_nobody_reads();
    }

    /// Runs it 200 times, several at a time, so that each run is under the load of the others.
    pub fn ends_every_time(&self, args: &[&str]) {
        let at_once = 2 * thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| (0..200_usize.div_ceil(at_once)).for_each(|_| drop(self.succeeds(args))));
            }
        });
    }

    pub(super) fn helps(&self) {
        // However wide the terminal is: words, not lines.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let help = words(&self.succeeds(&["--help"]));
        let source = fs::read_to_string(self.source).expect("the source is there");
        let header: Vec<_> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        assert!(!header.is_empty(), "{} has no header", self.source);
        for line in header {
            assert!(help.contains(&words(line)), "{self} --help leaves out: {line}");
        }
        for word in
            ["--seed", "--pace", "--timeline", "--svg", "--trace", "--deadline", "[default: 42]", "[default: 0.1]"]
        {
            assert!(help.contains(word), "{self} --help leaves out {word}");
        }
    }

    pub(super) fn refuses_bad_flags(&self) {
        let common: &[&[&str]] = &[
            &["--no-such-flag"],
            &["--seed", "x"],
            &["--seed", "-1"],
            &["--pace", "-1"],
            &["--pace", "fast"],
            &["--pace", "NaN"],
            &["--deadline", "-1"],
            &["--deadline", "soon"],
            &["--deadline", "0.01"],
            &["unexpected"],
        ];
        for args in common.iter().chain(self.bad) {
            let finished = self.run(args);
            assert_eq!(finished.code(), Some(2), "{self} {args:?}: {finished:?}");
            assert!(finished.stderr.starts_with("error: "), "{self} {args:?}: {}", finished.stderr);
            assert!(finished.stderr.contains("Usage: "), "{self} {args:?}: {}", finished.stderr);
            assert_eq!(finished.stdout, "", "{self} {args:?} began all the same");
        }
    }

    fn draws(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let (svg, trace) = (folder.path().join("lanes.svg"), folder.path().join("lanes.json"));
        let path = |path: &Path| path.to_str().expect("a plain path").to_string();
        let chart = self.succeeds(&["--timeline", "--svg", &path(&svg), "--trace", &path(&trace)]);
        assert!(chart.contains("a column is"), "{self} --timeline draws nothing: {chart}");
        let (svg, trace) = (self.whole_svg(&svg), self.whole_trace(&trace));
        pictures::agree(&svg, &trace).unwrap_or_else(|why| panic!("{self}: {why}\n{svg}"));
    }

    pub(super) fn whole_svg(&self, path: &Path) -> String {
        let svg = fs::read_to_string(path).expect("the SVG is written");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{self}: {svg}");
        svg
    }

    pub(super) fn whole_trace(&self, path: &Path) -> Value {
        let trace: Value = serde_json::from_slice(&fs::read(path).expect("the trace is written")).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("events");
        assert!(events.iter().any(|event| event["ph"] == "X" && event["dur"].is_number()), "{self}: {trace}");
        trace
    }

    /// A named pipe is opened once: its reader gets the picture, and then the end.
    fn draws_into_a_named_pipe(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a pipe");
        let (sender, read) = mpsc::channel();
        let from = pipe.clone();
        thread::spawn(move || sender.send(fs::read_to_string(from)));
        self.succeeds(&["--svg", pipe.to_str().expect("a plain path")]);
        let svg = read.recv_timeout(LIMIT).expect("the pipe is closed").expect("text");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{self}: {svg}");
    }

    /// With a limit of 0 bytes for each file nothing can be recorded, which is an error in one line and no signal.
    fn says_that_files_may_not_grow(&self) {
        let finished = self.run_limited("ulimit -f 0", &["--timeline"]);
        assert_eq!(finished.code(), Some(1), "{self}: {finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{self}: {}", finished.stderr);
        assert!(finished.stderr.starts_with("error: "), "{self}: {}", finished.stderr);
    }

    /// A parent that ignores SIGCHLD or SIGTERM hands that on to the programs that it starts.
    fn minds_no_ignored_signals(&self) {
        let finished = self.run_limited("trap '' CHLD TERM USR1", &["--pace", "0"]);
        assert_eq!(finished.code(), Some(0), "{self}: {finished:?}");
    }

    /// Runs it from a shell that runs this command before.
    fn run_limited(&self, before: &str, args: &[&str]) -> Finished {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), self.path]).args(args);
        let finished = program::run(&mut command, LIMIT).expect("the program starts");
        assert!(finished.status.is_some(), "{self} after {before} did not end within {LIMIT:?}");
        finished
    }

    fn needs_the_folder_of_a_file(&self) {
        for flag in ["--svg", "--trace"] {
            let finished = self.run(&[flag, "/no/such/folder/file"]);
            assert_eq!(finished.code(), Some(1), "{self} {flag}: {finished:?}");
            assert_eq!(finished.stderr.lines().count(), 1, "{self} {flag}: {}", finished.stderr);
            assert!(finished.stderr.starts_with("error: /no/such/folder/file: "), "{self}: {}", finished.stderr);
            assert_eq!(finished.stdout, "", "{self} {flag} began all the same");
        }
        // A run that is refused leaves a file as it was.
        let folder = tempfile::tempdir().expect("a folder");
        let svg = folder.path().join("lanes.svg");
        fs::write(&svg, "old").expect("a file");
        let path = svg.to_str().expect("a plain path");
        assert_eq!(self.run(&["--svg", path, "--trace", "/no/such/folder/file"]).code(), Some(1));
        assert_eq!(self.run(&["--svg", path, "--no-such-flag"]).code(), Some(2));
        assert_eq!(self.run(&["--svg", path, "--trace", path]).code(), Some(2));
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink("lanes.svg", &link).expect("a link");
        let detour = folder.path().join(".").join("lanes.svg");
        for other in [link, detour] {
            assert_eq!(self.run(&["--svg", path, "--trace", other.to_str().expect("a plain path")]).code(), Some(2));
        }
        assert_eq!(fs::read_to_string(&svg).expect("a file"), "old", "{self}");
    }

    fn says_that_the_disk_is_full(&self) {
        for args in [&["--pace", "0"][..], &["--help"]] {
            let mut command = Command::new(self.path);
            let full = File::options().write(true).open("/dev/full").expect("/dev/full");
            command.args(args).stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());
            let mut child = command.spawn().expect("the program starts");
            let code = ends(&mut child, LIMIT);
            let mut stderr = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
            assert_eq!(stderr, "error: stdout: No space left on device (os error 28)\n", "{self} {args:?}");
            assert_eq!(code, Some(1), "{self} {args:?}");
        }
    }

    fn ends_quietly_when_nobody_reads(&self) {
        let mut child = self.spawn(&["--timeline"]);
        drop(after_a_line(&mut child));
        let code = ends(&mut child, LIMIT);
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
        assert!(stderr.is_empty(), "{self}: {stderr}");
        assert_eq!(code, Some(0), "{self} | head -1");
    }

    /// After Ctrl-C stderr says what each lane is doing, and the pictures are drawn, with and without the flags that ask for them.
    fn ends_at_ctrl_c(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let (svg, trace) = (folder.path().join("lanes.svg"), folder.path().join("lanes.json"));
        let path = |path: &Path| path.to_str().expect("a plain path").to_string();
        let (stdout, stderr) = self.interrupted(&["--timeline", "--svg", &path(&svg), "--trace", &path(&trace)]);
        assert!(stdout.contains("a column is"), "{self}: no chart after Ctrl-C: {stdout}\n{stderr}");
        pictures::agree(&self.whole_svg(&svg), &self.whole_trace(&trace)).unwrap_or_else(|why| panic!("{self}: {why}"));
        traces::agree(&stderr, &traces::read(&trace)).unwrap_or_else(|why| panic!("{self}: {why}"));
        self.interrupted(&[]);
    }

    /// Interrupts it while it runs for a long time, and gives what it printed and said.
    fn interrupted(&self, args: &[&str]) -> (String, String) {
        let mut child = self.spawn(&[self.long, args].concat());
        let stderr = child.stderr.take().expect("piped");
        let said = thread::spawn(move || std::io::read_to_string(stderr).expect("text"));
        // It has begun when it has printed something; the rest of its output must go on being read.
        let output = after_a_line(&mut child);
        let printed = thread::spawn(move || std::io::read_to_string(output).expect("text"));
        kill_process(Pid::from_child(&child), Signal::INT).expect("it is alive");
        assert_eq!(ends(&mut child, Duration::from_secs(10)), Some(130), "{self} {:?} after Ctrl-C", self.long);
        let (printed, said) = (printed.join().expect("a reader"), said.join().expect("a reader"));
        assert_only_reports(&said);
        assert!(!said.is_empty(), "{self}: no lane says what it is doing");
        (printed, said)
    }

    pub(super) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(self.path);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Path::new(self.path).file_name().and_then(|name| name.to_str()).unwrap_or(self.path))
    }
}

/// The child's output after its first line.
fn after_a_line(child: &mut Child) -> BufReader<ChildStdout> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    match read_line(output) {
        Some((output, _)) => output,
        None => {
            child.kill().expect("a child");
            child.wait().expect("a child");
            panic!("it printed no line within the limit");
        }
    }
}

/// The exit status, or a kill and a failed test after `limit`.
fn ends(child: &mut Child, limit: Duration) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        if start.elapsed() > limit {
            child.kill().expect("a child");
            child.wait().expect("a child");
            panic!("it did not end within {limit:?}");
        }
        thread::yield_now();
    }
}

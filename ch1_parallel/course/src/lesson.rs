//! How a program of the course begins and ends.
//!
//! [`run!`](crate::lesson::run) reads the flags, tells the story, draws what was asked for and turns an error into one
//! line and an exit status:
//!
//! | status | when |
//! |---|---|
//! | 0 | all went well, or the reader of the output went away |
//! | 1 | the run failed; one line on stderr: `error: what: why` |
//! | 2 | bad flags; the usage on stderr |
//! | 130 | Ctrl-C |

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio, exit};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{FromArgMatches, Parser};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::lanes::{self, chart, picture::Picture, record, svg, trace};

/// Runs a story as a program: `lesson::run!(|args: Args, lesson| { ...; Ok(()) })`.
///
/// The first `//!` lines of the source file become the text of `--help`.
#[macro_export]
macro_rules! lesson_run {
    ($story:expr) => {
        $crate::lesson::run_with($crate::lesson::header!(), $story)
    };
}
pub use crate::lesson_run as run;

/// The source text of the program that is being compiled.
#[macro_export]
macro_rules! lesson_header {
    () => {
        // Cargo names a file from the workspace's root, in which each crate has a folder.
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../", file!()))
    };
}
pub use crate::lesson_header as header;

/// The flags that every program has.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Flags of every program")]
pub struct Flags {
    /// Seed of every random choice: the same seed gives the same values
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Multiplies the pauses of the Python script; 0 = no pauses
    #[arg(long, default_value_t = 0.1, value_name = "F", value_parser = pace)]
    pub pace: f64,
    /// At the end, draws what each lane did and waited for
    #[arg(long)]
    pub timeline: bool,
    /// Writes the same chart as an SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Writes the same as a trace for Perfetto or chrome://tracing
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(pace) if (0.0..=1000.0).contains(&pace) => Ok(pace),
        Ok(_) => Err("it must be from 0 to 1000".into()),
        Err(error) => Err(error.to_string()),
    }
}

impl Flags {
    /// Whether the lanes are to be recorded.
    #[must_use]
    pub fn want_lanes(&self) -> bool {
        self.timeline || self.svg.is_some() || self.trace.is_some()
    }

    /// The command line that gives another program these flags.
    #[must_use]
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args = vec![format!("--seed={}", self.seed).into(), format!("--pace={}", self.pace).into()];
        args.extend(self.timeline.then(|| "--timeline".into()));
        for (flag, path) in [("--svg", &self.svg), ("--trace", &self.trace)] {
            args.extend(path.iter().flat_map(|path| [flag.into(), path.clone().into_os_string()]));
        }
        args
    }

    /// Makes the files that the flags ask for, so that a bad path ends the run before it begins. What is in a file stays
    /// until there is something to put in its place.
    ///
    /// # Errors
    /// A file cannot be made.
    pub fn create_files(&self) -> anyhow::Result<()> {
        for path in self.svg.iter().chain(&self.trace) {
            let made = File::options().write(true).create(true).truncate(false).open(path);
            made.with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// Reads the command line: the program's own flags and those of every program. A bad flag ends the program with status
/// 2, `--help` with 0.
pub fn parse<A: Parser>(header: &str) -> (A, Flags) {
    try_parse(header).unwrap_or_else(|answer| answer.end())
}

/// The same for a program that must do something else before it ends.
///
/// # Errors
/// A flag is bad, or help was asked for.
pub fn try_parse<A: Parser>(header: &str) -> Result<(A, Flags), Answer> {
    let command = <Flags as clap::Args>::augment_args(A::command().next_display_order(900));
    // Last, or the flags' own description would take the program's place.
    let mut command = command.about(first_line(header)).long_about(about(header)).max_term_width(120);
    let parsed = command.try_get_matches_from_mut(std::env::args_os()).and_then(|found| {
        let (own, flags) = (A::from_arg_matches(&found)?, Flags::from_arg_matches(&found)?);
        if flags.svg.is_some() && flags.svg == flags.trace {
            return Err(command.error(ErrorKind::ArgumentConflict, "--svg and --trace name the same file"));
        }
        Ok((own, flags))
    });
    parsed.map_err(|error| {
        let text = error.to_string();
        if !error.use_stderr() {
            return Answer { text, status: 0 };
        }
        let said = text.split("\n\nFor more").next().unwrap_or(&text).trim_end();
        let usage = if said.contains("Usage:") { String::new() } else { format!("\n\n{}", command.render_usage()) };
        Answer { text: format!("{said}{usage}\n\nFor more information, try '--help'.\n"), status: 2 }
    })
}

/// What a program says to its flags instead of running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The help, or the error and the usage.
    pub text: String,
    /// 0 for help, 2 for an error.
    pub status: u8,
}

impl Answer {
    /// The answer to flags that fit no problem, though each for itself is well-formed.
    #[must_use]
    pub fn bad_flags<A: Parser>(what: &str) -> Self {
        let usage = A::command().bin_name(program_name()).render_usage();
        Self { text: format!("error: {what}\n\n{usage}\n\nFor more information, try '--help'.\n"), status: 2 }
    }

    /// Says it: help on stdout, an error on stderr. Help that cannot be written is an error of its own.
    pub fn say(&self) {
        let said = match self.status {
            0 => io::stdout().write_all(self.text.as_bytes()).and_then(|()| io::stdout().flush()),
            _ => io::stderr().write_all(self.text.as_bytes()),
        };
        if let Err(error) = said
            && self.status == 0
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            say_error(&format!("stdout: {error}"));
            exit(1);
        }
    }

    /// Says it and ends the program.
    pub fn end(&self) -> ! {
        self.say();
        exit(self.status.into())
    }
}

/// The `//!` lines at the top of a source text, without their sign.
fn about(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn first_line(source: &str) -> String {
    about(source).lines().next().unwrap_or("").into()
}

/// A program that has begun.
#[derive(Debug)]
pub struct Lesson {
    flags: Flags,
    name: String,
}

impl Lesson {
    /// Begins a program of this name: makes the files that the flags ask for and starts to record its lanes. A program that
    /// runs as a child joins the record of its parent.
    ///
    /// # Errors
    /// A file cannot be made, or the record cannot start.
    pub fn begin(flags: Flags, name: &str) -> anyhow::Result<Self> {
        flags.create_files()?;
        let recording = if flags.want_lanes() { record::start(name, 0) } else { record::join(name) };
        recording.context("recording the lanes")?;
        Ok(Self::begin_quietly(flags, name))
    }

    /// Begins a program whose lanes another process draws.
    #[must_use]
    pub fn begin_quietly(flags: Flags, name: &str) -> Self {
        Self { flags, name: name.into() }
    }

    /// The flags it was begun with.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// The seed of every random choice.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.flags.seed
    }

    /// Random numbers for worker `stream`: the same for the same seed, whatever the other workers do.
    #[must_use]
    pub fn rng(&self, stream: u64) -> StdRng {
        StdRng::seed_from_u64(self.flags.seed.wrapping_add(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A pause of the Python script, in seconds, at the pace of this run.
    #[must_use]
    pub fn pause(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.flags.pace)
    }

    /// Makes what `child` will start a child of this program: it joins the picture under this name, and it ends when the thread
    /// that starts it does, however that ends. For a program that runs itself once more; the child's flags must tell it what
    /// to do, or it would start children in turn.
    pub fn adopt(&self, child: &mut Command, name: &str) {
        child.arg0(name).env(STARTER, std::process::id().to_string()).stdin(Stdio::null());
        record::pass_on(child);
    }

    /// Ends the program: draws and writes what the flags ask for, from all that was recorded here.
    ///
    /// # Errors
    /// The record cannot be read, or a file cannot be written.
    pub fn end(&self) -> anyhow::Result<()> {
        self.end_with(&record::lines().context("the record of the lanes")?)
    }

    /// The same from lines that were recorded elsewhere too.
    ///
    /// # Errors
    /// A line is no event, or a file cannot be written.
    pub fn end_with(&self, lines: &[u8]) -> anyhow::Result<()> {
        if !self.flags.want_lanes() {
            return Ok(());
        }
        let events = record::events(lines).context("the record of the lanes")?;
        let now = events.iter().map(|event| event.at).max().unwrap_or(0);
        let picture = Picture::of(events, std::process::id(), now);
        if self.flags.timeline {
            print!("\n{}", chart::draw(&picture, &self.name, terminal_width()));
        }
        let write = |path: &Path, text: String| std::fs::write(path, text).with_context(|| path.display().to_string());
        if let Some(path) = &self.flags.svg {
            write(path, svg::draw(&picture, &self.name))?;
        }
        if let Some(path) = &self.flags.trace {
            write(path, trace::draw(&picture))?;
        }
        if record::dropped() > 0 {
            eprintln!("remark: {} changes of lanes were too many to record", record::dropped());
        }
        Ok(())
    }
}

fn terminal_width() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(width), _)) if io::stdout().is_terminal() => usize::from(width).max(60),
        _ => 100,
    }
}

/// What [`run!`](crate::lesson::run) does, with the header given.
pub fn run_with<A: Parser>(header: &str, story: impl FnOnce(A, &Lesson) -> anyhow::Result<()>) -> ExitCode {
    run_checked(header, Ok, story)
}

/// The same for a program whose flags must fit each other: `check` says why they do not, before anything begins.
pub fn run_checked<A: Parser, C>(
    header: &str,
    check: impl FnOnce(A) -> Result<C, String>,
    story: impl FnOnce(C, &Lesson) -> anyhow::Result<()>,
) -> ExitCode {
    guard();
    end_with_starter();
    let (args, flags) = parse(header);
    let checked = check(args).unwrap_or_else(|why| Answer::bad_flags::<A>(&why).end());
    report((|| {
        let lesson = Lesson::begin(flags, &program_name())?;
        let told = {
            let _main = lanes::lane("main");
            story(checked, &lesson)
        };
        // A run that failed is drawn too: the picture tells why.
        let drawn = lesson.end();
        told.and(drawn).and(flush())
    })())
}

/// Brings out what was printed. It is no error if nobody reads any more.
fn flush() -> anyhow::Result<()> {
    match io::stdout().flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("stdout"),
        _ => Ok(()),
    }
}

/// The environment variable by which [`program::run`](crate::program::run) names itself to the program that it starts.
pub(crate) const STARTER: &str = "LESSON_STARTER";

/// Has the kernel kill this process when the program that runs it for a report or a test is gone, however that ended.
///
/// The signal comes when the *thread* that started this process ends; [`program::run`](crate::program::run) waits in it.
pub fn end_with_starter() {
    let Ok(starter) = std::env::var(STARTER) else { return };
    let is_parent = || getppid().is_some_and(|parent| parent.to_string() == starter);
    if is_parent() {
        // It fails only for signals that do not exist.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
    // A process that this one starts inherits the variable, but its parent is another. If the starter has ended already,
    // before the line above, the parent is another too.
    if !is_parent() && !lives(&starter) {
        exit(1);
    }
}

/// Whether process `id` lives. A zombie does not: it has ended, and only its entry waits for the parent that asks how.
fn lives(id: &str) -> bool {
    let stat = std::fs::read(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
    // The name stands in parentheses and may contain anything; the state follows it.
    let stat = String::from_utf8_lossy(&stat);
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// The file name of the running program.
#[must_use]
pub fn program_name() -> String {
    let path = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    path.file_stem().map_or_else(|| "program".into(), |name| name.to_string_lossy().into_owned())
}

/// Turns the result of a run into its exit status, and an error into one line on stderr.
#[must_use]
pub fn report(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A job of many ranks must not go on without this one.
            say_error(&chain(&error));
            if AT_FAILURE.get().is_some() {
                fail();
            }
            ExitCode::FAILURE
        }
    }
}

/// What and why, each once: some errors repeat the text of their cause.
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

/// Has `act` called with the exit status before a failed program ends: an MPI rank ends its whole job there. The first
/// call counts.
pub fn at_failure(act: fn(i32)) {
    let _ = AT_FAILURE.set(act);
}

/// Ends the program with status 1, from any thread. Say why before.
pub fn fail() -> ! {
    if let Some(act) = AT_FAILURE.get() {
        act(1);
    }
    exit(1)
}

static SPEAKER: OnceLock<String> = OnceLock::new();

/// Puts `who` before what every error says: which rank of a job it was. The first call counts.
pub fn speak_as(who: &str) {
    let _ = SPEAKER.set(who.into());
}

/// Prints `error: ...` as one line, whatever it contains.
pub fn say_error(what: &str) {
    let who = SPEAKER.get().map(|who| format!("{who}: ")).unwrap_or_default();
    let line: Vec<_> = what.lines().map(str::trim).filter(|part| !part.is_empty()).collect();
    // Not `eprintln!`: it panics if stderr is closed, and this is the panic hook's way out.
    let _ = io::stderr().write_all(format!("error: {who}{}\n", line.join(" ")).as_bytes());
}

/// Makes Ctrl-C end the program with status 130 and a panic in any thread end it with one line and status 1.
///
/// A panic that only ended its own thread would leave the others waiting for it at a barrier.
pub fn guard() {
    // Registering fails only for signals that cannot be caught.
    let _ = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGINT,
        130,
        Arc::new(AtomicBool::new(true)),
    );
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("panicked");
        if broken_pipe(said) {
            exit(0);
        }
        // The panics that follow from the first say nothing new.
        if !FAILED.swap(true, Relaxed) {
            let told =
                told_by_system(said).unwrap_or_else(|| match (std::thread::current().name(), panic.location()) {
                    (None | Some("main"), Some(place)) => format!("{said} ({}:{})", place.file(), place.line()),
                    (Some(thread), Some(place)) => format!("{thread}: {said} ({}:{})", place.file(), place.line()),
                    _ => said.into(),
                });
            say_error(&told);
            fail();
        }
    }));
}

/// What `print!` panics with; the text of the system's error follows.
const PRINTING: &str = "failed printing to stdout: ";

/// Whether a panic says that the reader of the output has gone away.
#[must_use]
pub fn broken_pipe(panic: &str) -> bool {
    panic.strip_prefix(PRINTING).is_some_and(|why| why.ends_with("(os error 32)"))
}

/// A panic of the standard library that is no bug but a refusal of the system, as an error is told.
#[must_use]
pub fn told_by_system(panic: &str) -> Option<String> {
    if let Some(why) = panic.strip_prefix(PRINTING) {
        return Some(format!("stdout: {why}"));
    }
    // `thread::scope` has no other way to say it: Os { code: 11, kind: ..., message: "..." }
    let why = panic.strip_prefix("failed to spawn thread: ")?;
    let message = why.split("message: \"").nth(1).and_then(|rest| rest.split('"').next());
    Some(format!("starting a thread: {}", message.unwrap_or(why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_says_each_text_once() {
        let error = anyhow::anyhow!("no room").context("writing: no room").context("a.svg");
        assert_eq!(chain(&error), "a.svg: writing: no room");
    }

    #[test]
    fn refusals_of_the_system_are_told_in_its_words() {
        let panic =
            r#"failed to spawn thread: Os { code: 11, kind: WouldBlock, message: "Resource temporarily unavailable" }"#;
        assert_eq!(told_by_system(panic).unwrap(), "starting a thread: Resource temporarily unavailable");
        let full = "failed printing to stdout: No space left on device (os error 28)";
        assert_eq!(told_by_system(full).unwrap(), "stdout: No space left on device (os error 28)");
        assert!(!broken_pipe(full) && broken_pipe("failed printing to stdout: Broken pipe (os error 32)"));
        assert_eq!(told_by_system("index out of bounds"), None);
    }
}

//! How a program of the course begins and ends.
//!
//! [`run!`](crate::lesson::run) reads the flags, runs the program's closure (the *story*), draws what the flags ask for
//! and turns an error into one line and an exit status:
//!
//! | status | when |
//! |---|---|
//! | 0 | the program did what it claims, or the reader of the output has gone |
//! | 1 | the run failed; one line on stderr: `error: what: why` |
//! | 2 | bad flags; the usage on stderr |
//! | 3 | the program hangs, and a report says why |
//! | 130 | Ctrl-C: first stderr says what each lane is doing, and the pictures are drawn |

mod deadline;
mod drawing;
mod endings;
mod flags;
mod hold;
mod interrupt;
mod outputs;
mod refusal;
mod starter;

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::lanes::{self, children, record};
pub use crate::processes::program_name;
use drawing::Drawing;
use endings::process_name;
pub use endings::{
    Shown, at_failure, end_at_panic, end_without_reader, fail, prepare_signals, report, say_error, speak_as,
};
pub use flags::{Answer, Flags, parse, seconds, try_parse};
pub use hold::{end_without_report, hold};
pub use interrupt::{Role, interrupt_descendants, watch as watch_for_interrupts};
pub use outputs::{Output, same_file};
pub use refusal::Refusal;
pub(crate) use starter::STARTER;
pub use starter::end_with_starter;

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

/// The same for a hazard: a program that hangs on purpose, or that goes wrong on purpose and returns [`Shown`].
#[macro_export]
macro_rules! lesson_hazard {
    ($story:expr) => {
        $crate::lesson::hazard_with($crate::lesson::header!(), $story)
    };
}
pub use crate::lesson_hazard as hazard;

/// The source text of the program that is being compiled.
#[macro_export]
macro_rules! lesson_header {
    () => {
        // Cargo names a file from the workspace's root, in which each crate has a folder.
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../", file!()))
    };
}
pub use crate::lesson_header as header;

/// What [`run!`](crate::lesson::run) does, with the header given.
pub fn run_with<A: Parser>(header: &str, story: impl FnOnce(A, &Lesson) -> anyhow::Result<()>) -> ExitCode {
    run_checked(header, Ok, story)
}

/// What [`hazard!`](crate::lesson::hazard) does, with the header given.
pub fn hazard_with<A: Parser>(header: &str, story: impl FnOnce(A, &Lesson) -> anyhow::Result<()>) -> ExitCode {
    run_watched(header, DEADLINE_OF_A_HAZARD, Ok, story)
}

/// For how long a hazard hangs before its report.
const DEADLINE_OF_A_HAZARD: Duration = Duration::from_millis(500);

/// The same as [`run_with`] for a program whose flags must fit each other: `check` says why they do not, before anything begins.
pub fn run_checked<A: Parser, C>(
    header: &str,
    check: impl FnOnce(A) -> Result<C, String>,
    story: impl FnOnce(C, &Lesson) -> anyhow::Result<()>,
) -> ExitCode {
    run_watched(header, Duration::ZERO, check, story)
}

fn run_watched<A: Parser, C>(
    header: &str,
    deadline: Duration,
    check: impl FnOnce(A) -> Result<C, String>,
    story: impl FnOnce(C, &Lesson) -> anyhow::Result<()>,
) -> ExitCode {
    guard();
    end_with_starter();
    let (args, flags) = parse(header);
    let checked = check(args).unwrap_or_else(|why| Answer::bad_flags::<A>(&why).end());
    let deadline = flags.deadline.unwrap_or(deadline);
    // The program that has started a child looks at the lanes of both.
    if !deadline.is_zero() && !starter::is_child() {
        children::offer();
        deadline::watch(deadline);
    }
    report((|| {
        let lesson = Lesson::begin(flags, &program_name())?;
        let told = {
            let _main = lanes::lane("main");
            story(checked, &lesson)
        };
        deadline::stop();
        hold();
        // A run that failed is drawn too: the picture tells why.
        let drawn = lesson.end();
        // The report of a hazard says nothing about its picture.
        if let (Err(shown), Err(error)) = (&told, &drawn)
            && shown.is::<Shown>()
        {
            say_error(&format!("{error:#}"));
        }
        told.and(drawn).and(flush())
    })())
}

/// Prepares a program for every way in which it can fail: Ctrl-C, a panic, no memory, a file that is too large.
pub fn guard() {
    prepare_signals();
    watch_for_interrupts(Role::Program);
    end_at_panic();
}

/// Flushes stdout. It is no error if the reader of the output has closed it.
fn flush() -> anyhow::Result<()> {
    match io::stdout().flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("stdout"),
        _ => Ok(()),
    }
}

/// A program that has begun.
#[derive(Debug)]
pub struct Lesson {
    flags: Flags,
}

impl Lesson {
    /// Begins a program of this name: makes sure that the files that the flags ask for can be written, and starts to record
    /// its lanes. A program that runs as a child joins the record of its parent, which draws.
    ///
    /// # Errors
    /// A file cannot be written, or the record cannot start.
    pub fn begin(flags: Flags, name: &str) -> anyhow::Result<Self> {
        if starter::is_child() {
            join_parent(name);
            return Ok(Self { flags });
        }
        Self::begin_as(flags, name, name, None)
    }

    /// The same for a program that is no child. `title` stands above its pictures, `process` is the name of this process in them,
    /// and `rank` its rank if it is a rank of an MPI job.
    ///
    /// # Errors
    /// A file cannot be written, or the record cannot start.
    pub fn begin_as(flags: Flags, title: &str, process: &str, rank: Option<u32>) -> anyhow::Result<Self> {
        let drawing = Drawing::check(&flags, title)?;
        if flags.want_lanes() {
            record::start(process, rank).context("recording the lanes")?;
            drawing::set(drawing);
        }
        Ok(Self { flags })
    }

    /// Begins a program whose lanes another process draws.
    #[must_use]
    pub fn begin_quietly(flags: Flags) -> Self {
        Self { flags }
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

    /// Prepares `child`, a command that runs this program once more. The child process joins the picture under this
    /// name. It ends when the thread that started it ends, however that thread ends. The child's flags must tell it
    /// what to do, or it would start children too.
    pub fn adopt(&self, child: &mut Command, name: &str) {
        starter::adopt(child.arg0(name).stdin(Stdio::null()));
        record::pass_on(child);
    }

    /// Ends the program: draws and writes what the flags ask for, from all that was recorded. In a child its lanes end here.
    ///
    /// # Errors
    /// The record cannot be read, or a file cannot be written.
    pub fn end(&self) -> anyhow::Result<()> {
        record::close();
        drawing::draw()
    }

    /// The same after Ctrl-C. What cannot be drawn is said on stderr.
    pub fn end_after_interrupt(&self) {
        record::close();
        drawing::draw_after_interrupt();
    }
}

/// Draws what the flags ask for although the program hangs: past a thread that may hold stdout. What cannot be drawn is said on
/// stderr.
pub fn draw_hanging() {
    drawing::draw_after_interrupt();
}

/// The exit status of a program that hangs, and that was ended for it.
pub const HANGS: u8 = 3;

/// The exit status after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Begins a process that is a child from the start, and no program: Ctrl-C, no memory and files that are too large end it as
/// they end a program. It records its lanes in the parent's record, if there is one, and the parent draws.
pub fn begin_child(name: &str) {
    prepare_signals();
    watch_for_interrupts(Role::Child);
    join_parent(name);
}

fn join_parent(name: &str) {
    interrupt::set_role(Role::Child);
    speak_as(name);
    children::join(name);
    // If the record cannot be written, the parent says it, once for all.
    let _ = record::join(name, None);
}

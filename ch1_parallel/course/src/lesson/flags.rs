//! The flags of every program, and what a program answers to flags that make no sense.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{FromArgMatches, Parser};

use super::endings::say_error;
use super::outputs;
use super::program_name;

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
    /// After how long a hang ends the program; `None` if the command line does not say it.
    #[arg(skip)]
    pub deadline: Option<Duration>,
}

/// How a hang is noticed. The programs of chapter 4 have a flag of this name that watches a whole job.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Flags of every program")]
struct Watch {
    /// Ends the program with a report if lanes that wait have not moved for S seconds and cannot go on; 0: never
    /// [default: 0; in a program that hangs on purpose: 0.5]
    #[arg(long, value_name = "S", value_parser = seconds)]
    deadline: Option<Duration>,
}

/// Reads a number of seconds for `--deadline`.
///
/// # Errors
/// It is not 0, and not from 0.1 to 86400.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if seconds == 0.0 || (0.1..=86400.0).contains(&seconds) => Ok(time),
        _ => Err("it must be 0, or from 0.1 to 86400".into()),
    }
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
        args.extend(self.deadline.map(|deadline| format!("--deadline={}", deadline.as_secs_f64()).into()));
        for (flag, path) in [("--svg", &self.svg), ("--trace", &self.trace)] {
            args.extend(path.iter().flat_map(|path| [flag.into(), path.clone().into_os_string()]));
        }
        args
    }
}

const DEADLINE: &str = "deadline";

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
    let watches_itself = command.get_arguments().any(|own| own.get_id() == DEADLINE);
    let command = if watches_itself { command } else { <Watch as clap::Args>::augment_args(command) };
    // Last, or the flags' own description would take the program's place.
    let mut command = command.about(first_line(header)).long_about(about(header)).max_term_width(120);
    let parsed = command.try_get_matches_from_mut(std::env::args_os()).and_then(|found| {
        let (own, mut flags) = (A::from_arg_matches(&found)?, Flags::from_arg_matches(&found)?);
        if !watches_itself {
            flags.deadline = Watch::from_arg_matches(&found)?.deadline;
        }
        if let (Some(svg), Some(trace)) = (&flags.svg, &flags.trace)
            && outputs::same_file(svg, trace)
        {
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

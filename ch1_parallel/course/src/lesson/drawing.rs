//! Drawing what the flags ask for, once, at the end of a run or after Ctrl-C.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{retry_on_intr, write};

use super::endings::say_error;
use super::flags::Flags;
use super::outputs::Output;
use crate::clock::Moment;
use crate::lanes::picture::Picture;
use crate::lanes::record;
use crate::lanes::{chart, svg, trace};
use crate::processes;

/// What is to be drawn.
#[derive(Debug)]
pub struct Drawing {
    name: String,
    timeline: bool,
    svg: Option<Output>,
    trace: Option<Output>,
}

/// What this program still has to draw. It is locked while it is drawn.
static DRAWING: Mutex<Option<Drawing>> = Mutex::new(None);

fn drawing() -> MutexGuard<'static, Option<Drawing>> {
    DRAWING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drawing {
    /// Makes sure that all files that the flags ask for can be written.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn check(flags: &Flags, name: &str) -> anyhow::Result<Self> {
        let check = |path: &Option<std::path::PathBuf>| path.as_deref().map(Output::check).transpose();
        Ok(Self { name: name.into(), timeline: flags.timeline, svg: check(&flags.svg)?, trace: check(&flags.trace)? })
    }

    fn draw(self, picture: &Picture, mut print: impl FnMut(&str) -> io::Result<()>) -> anyhow::Result<()> {
        // The files come first, so that a chart without a reader does not keep them from being written. A file that cannot be
        // written does not keep the others from being written.
        let svg = self.svg.map_or(Ok(()), |output| output.write(&svg::draw(picture, &self.name)));
        let trace = self.trace.map_or(Ok(()), |output| output.write(&trace::draw(picture)));
        let chart = match self.timeline {
            true => print(&format!("\n{}", chart::draw(picture, &self.name, terminal_width()))),
            false => Ok(()),
        };
        let chart = match chart {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("stdout"),
            _ => Ok(()),
        };
        let record = match record::failure() {
            Some(error) => Err(anyhow::anyhow!("the record of the lanes is not complete: {error}")),
            None => Ok(()),
        };
        svg.and(trace).and(chart).and(record)
    }
}

/// From now on this is what the program draws at its end, or after Ctrl-C.
pub fn set(to_draw: Drawing) {
    *drawing() = Some(to_draw);
}

fn picture() -> anyhow::Result<Picture> {
    let log = record::log().context("the record of the lanes")?;
    Ok(Picture::of(log, Moment::now().0, processes::lives))
}

/// Draws what is to be drawn and has not been drawn yet, from all that was recorded.
///
/// # Errors
/// The record cannot be read, or a file cannot be written.
pub fn draw() -> anyhow::Result<()> {
    // Before the other lock: after Ctrl-C another thread holds stdout for ever, and draws in place of this one.
    let _stdout = io::stdout().lock();
    let mut drawing = drawing();
    let Some(to_draw) = drawing.take() else { return Ok(()) };
    if !record::is_on() {
        return Ok(());
    }
    let picture = picture()?;
    if picture.rows.is_empty() {
        // An MPI job that ended before its ranks began. What is in a file stays.
        return Ok(());
    }
    to_draw.draw(&picture, |text| io::stdout().write_all(text.as_bytes()))
}

/// The same after Ctrl-C: an error is said, and stdout is written past a thread that may hold it.
pub fn draw_after_interrupt() {
    let mut drawing = drawing();
    let Some(to_draw) = drawing.take().filter(|_| record::is_on()) else { return };
    let print = |text: &str| text.as_bytes().chunks(PIECE).try_for_each(print_piece);
    let drawn = picture().and_then(|picture| match picture.rows.is_empty() {
        // What is in a file stays if there is nothing to put in its place.
        true => Err(anyhow::anyhow!("interrupted before a lane had begun: there is nothing to draw")),
        false => to_draw.draw(&picture, print),
    });
    if let Err(error) = drawn {
        say_error(&format!("{error:#}"));
    }
}

/// A pipe that is ready to be written has room for this number of bytes (`PIPE_BUF`), so the write does not block.
const PIECE: usize = 4096;

/// How long the reader of stdout may let a piece of the chart wait after Ctrl-C.
const LONGEST_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

fn print_piece(mut piece: &[u8]) -> io::Result<()> {
    let stdout = rustix::stdio::stdout();
    while !piece.is_empty() {
        if retry_on_intr(|| poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], Some(&LONGEST_WAIT)))? == 0 {
            return Err(io::Error::other("it is not read, so the chart is not complete"));
        }
        piece = &piece[retry_on_intr(|| write(stdout, piece))?..];
    }
    Ok(())
}

fn terminal_width() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(width), _)) if io::stdout().is_terminal() => usize::from(width).max(60),
        _ => 100,
    }
}

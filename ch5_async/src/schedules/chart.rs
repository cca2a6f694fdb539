//! The chart of a schedule: a row for each thread, and a column for each step.

use std::fmt::Write;

use course::model::{Found, State};
use unicode_width::UnicodeWidthStr;

/// The width of the column of a step.
const COLUMN: usize = 3;

const KEY: &str =
    "● takes a step   ○ begins to wait for ever   ~ waits for another thread   - can take its next step\n\n";

/// Draws the steps of the schedule in lines of at most `width` columns, and lists below what each step does.
///
/// A schedule that does not fit in one line goes on in a second chart below.
#[must_use]
pub fn chart(found: &Found, width: usize) -> String {
    let has_steps = |thread: &usize| found.steps.iter().any(|step| step.thread == *thread);
    let rows: Vec<usize> = (0..found.threads.len()).filter(has_steps).collect();
    let names = rows.iter().map(|&thread| found.threads[thread].width()).max().unwrap_or(0);
    let in_a_line = (width.saturating_sub(names) / COLUMN).max(1);
    let columns: Vec<usize> = (0..found.steps.len()).collect();
    let mut text = String::new();
    for part in columns.chunks(in_a_line) {
        line(&mut text, "", names, part.iter().map(|step| (step + 1).to_string()));
        for &thread in &rows {
            line(&mut text, &found.threads[thread], names, part.iter().map(|&step| mark(found, step, thread).into()));
        }
        text.push('\n');
    }
    text.push_str(KEY);
    legend(&mut text, found, names);
    text
}

/// What the thread does after this number of steps.
fn state(found: &Found, steps: usize, thread: usize) -> State {
    let states = steps.checked_sub(1).map(|last| &found.steps[last].states);
    states.and_then(|states| states.get(thread)).copied().unwrap_or(State::New)
}

fn mark(found: &Found, step: usize, thread: usize) -> &'static str {
    match found.steps.get(step) {
        Some(taken) if taken.thread == thread && taken.is_stuck => "○",
        Some(taken) if taken.thread == thread => "●",
        // Another thread takes this step, and this thread is meanwhile as it was before.
        _ => match state(found, step, thread) {
            State::New | State::Ended => "",
            State::Ready => "-",
            State::Waits => "~",
        },
    }
}

fn line(text: &mut String, name: &str, names: usize, cells: impl Iterator<Item = String>) {
    let mut line = name.to_owned() + &" ".repeat(names - name.width());
    for cell in cells {
        line += &" ".repeat(COLUMN.saturating_sub(cell.width()));
        line += &cell;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn legend(text: &mut String, found: &Found, names: usize) {
    let longest = found.steps.iter().map(|step| step.what.width()).max().unwrap_or(0);
    for (index, step) in found.steps.iter().enumerate() {
        let thread = &found.threads[step.thread];
        let (pad, gap) = (" ".repeat(names - thread.width()), " ".repeat(longest - step.what.width()));
        let line = format!("{:>COLUMN$}  {thread}{pad}  {}{gap}  {}", index + 1, step.what, step.at());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

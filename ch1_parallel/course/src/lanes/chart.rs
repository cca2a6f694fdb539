//! The chart in the terminal: a line a lane, a column a slice of time.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::picture::{Picture, Row};
use super::record::State;

const RUN: char = '█';
const BRIEFLY: char = '▏';
const WAIT: char = '░';
const IDLE: char = '·';

/// A chart shows so many lanes; more cannot be read.
const MOST_ROWS: usize = 200;

/// Draws `picture` at most `width` columns wide, under `title`.
#[must_use]
pub fn draw(picture: &Picture, title: &str, width: usize) -> String {
    let rows: Vec<_> = picture.named().take(MOST_ROWS).map(|(name, row)| (shorten(&name, 24), row)).collect();
    let names = rows.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let notes: Vec<_> = rows.iter().map(|(_, row)| note(row)).collect();
    let noted = notes.iter().map(|note| note.width()).max().unwrap_or(0);
    let columns = width.saturating_sub(names + noted + 4).max(20);

    let mut chart = String::new();
    let column = picture.seconds() / columns as f64;
    // Writing to a string cannot fail.
    let _ = writeln!(
        chart,
        "{title}: {}, a column is {}   {RUN} runs  {BRIEFLY} runs briefly  {WAIT} waits  {IDLE} idle",
        time(picture.seconds()),
        time(column)
    );
    for ((name, row), note) in rows.iter().zip(notes) {
        let gap = " ".repeat(names - name.width());
        let _ = writeln!(chart, "{name}{gap}  {}  {note}", bar(picture, row, columns).trim_end());
    }
    if picture.rows.len() > MOST_ROWS {
        let _ = writeln!(chart, "and {} lanes more", picture.rows.len() - MOST_ROWS);
    }
    chart
}

/// Each column shows the state that filled the most of it, or that the lane ran for a smaller part of it.
fn bar(picture: &Picture, row: &Row, columns: usize) -> String {
    let length = (picture.end - picture.begin).max(1) as f64;
    let place = |at: u64| (at - picture.begin) as f64 / length * columns as f64;
    let mut filled = vec![[0.0f64; 3]; columns];
    for stretch in &row.stretches {
        let state = match stretch.state {
            State::Run(_) => 0,
            State::Wait { .. } => 1,
            State::Idle | State::Sleep { .. } => 2,
        };
        let (from, to) = (place(stretch.from), place(stretch.to));
        for (column, filled) in filled.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
            filled[state] += to.min(column as f64 + 1.0) - from.max(column as f64);
        }
    }
    let sign = |[run, wait, idle]: [f64; 3]| match run.max(wait).max(idle) {
        0.0 => ' ',
        most if most == run => RUN,
        // A task that is polled for a moment would not be seen at all.
        _ if run > 0.0 => BRIEFLY,
        most if most == wait => WAIT,
        _ => IDLE,
    };
    filled.into_iter().map(sign).collect::<String>() + if row.cut { "✗" } else { "" }
}

fn note(row: &Row) -> String {
    let (ran, waited, on) = row.totals();
    let mut note = format!("runs {}", time(ran));
    if let Some((longest, _)) = on.first() {
        let others = if on.len() > 1 { ", ..." } else { "" };
        let _ = write!(note, ", waits {} ({}{others})", time(waited), shorten(longest, 18));
    }
    if row.cut {
        note += ", killed";
    }
    note
}

fn shorten(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.into();
    }
    // What tells the lanes of a process apart is behind its name.
    if let Some((process, lane)) = text.rsplit_once('/')
        && lane.width() + 3 < most
    {
        return format!("{}/{lane}", shorten(process, most - lane.width() - 1));
    }
    let mut width = 1;
    let kept = text.chars().take_while(|sign| {
        width += sign.width().unwrap_or(0);
        width <= most
    });
    kept.chain(['…']).collect()
}

/// A time in the unit that suits its size.
#[must_use]
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.0} ms", s * 1e3),
        s if s > 0.0 => format!("{:.0} µs", (s * 1e6).max(1.0)),
        _ => "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Change, Event};
    use super::*;

    #[test]
    fn columns_show_the_longest_state_and_fit_the_width() {
        let at = |at, change| Event { at, process: 1, lane: 1, change };
        let picture = Picture::of(
            vec![
                at(0, Change::Begin { name: "Huey".into(), kind: "thread".into() }),
                at(0, Change::To(State::Run(String::new()))),
                at(500_000_000, Change::To(State::Wait { on: "barrier".into(), place: "a.rs:1".into() })),
                at(1_000_000_000, Change::End),
            ],
            1,
            0,
        );
        let chart = draw(&picture, "barrier", 80);
        let line = chart.lines().nth(1).unwrap();
        assert!(line.width() <= 80, "{line}");
        let count = |sign| line.chars().filter(|&c| c == sign).count();
        assert!(count(RUN).abs_diff(count(WAIT)) <= 1, "{line}");
        assert!(line.ends_with("runs 500 ms, waits 500 ms (barrier)"), "{line}");
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shorten("consumer", 8), "consumer");
        assert_eq!(shorten("consumers", 8), "consume…");
        assert_eq!(shorten("consumers/main 2", 12), "cons…/main 2");
        assert_eq!(shorten("c/a very long name", 8), "c/a ver…");
    }
}

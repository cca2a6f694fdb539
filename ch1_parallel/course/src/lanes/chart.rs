//! The chart in the terminal: each line is a lane, each column is a slice of time.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Kind;
use super::apportion::apportion;
use super::picture::{Picture, Row};

/// A chart shows at most this number of lanes: a reader cannot tell more of them apart.
const MOST_ROWS: usize = 200;

fn sign(kind: Kind) -> char {
    match kind {
        Kind::Run => '█',
        Kind::Sleep => '▒',
        Kind::Wait => '░',
        Kind::Idle => '·',
        Kind::Absent => ' ',
    }
}

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
    let legend = [(Kind::Run, "runs"), (Kind::Sleep, "sleeps"), (Kind::Wait, "waits"), (Kind::Idle, "idle")];
    let mut legend: Vec<_> = legend.into_iter().map(|(kind, word)| format!("{} {word}", sign(kind))).collect();
    if rows.iter().any(|(_, row)| row.cut) {
        legend.push("✗ killed here".into());
    }
    // Writing to a string cannot fail.
    let _ =
        writeln!(chart, "{title}: {}, a column is {}   {}", time(picture.seconds()), time(column), legend.join("  "));
    for ((name, row), note) in rows.iter().zip(notes) {
        let gap = " ".repeat(names - name.width());
        let _ = writeln!(chart, "{name}{gap}  {}  {note}", bar(picture, row, columns));
    }
    if picture.rows.len() > MOST_ROWS {
        let _ = writeln!(chart, "and {} lanes more", picture.rows.len() - MOST_ROWS);
    }
    for line in picture.exchange.lines().iter().take(MOST_ROWS) {
        let _ = writeln!(chart, "{line}");
    }
    if let Some(remark) = picture.remark() {
        let _ = writeln!(chart, "({remark})");
    }
    chart
}

fn bar(picture: &Picture, row: &Row, columns: usize) -> String {
    let bar: String = apportion(&picture.shares(row, columns)).into_iter().map(sign).collect();
    // The mark stands behind the bar, so it takes no time in the picture.
    format!("{}{}", bar.trim_end(), if row.cut { "✗" } else { "" })
}

fn note(row: &Row) -> String {
    let totals = row.totals();
    let mut note = format!("runs {}", time(totals.of(Kind::Run)));
    if totals.of(Kind::Sleep) > 0.0 {
        let _ = write!(note, ", sleeps {}", time(totals.of(Kind::Sleep)));
    }
    if let Some((longest, _)) = totals.waits.first() {
        let others = if totals.waits.len() > 1 { ", ..." } else { "" };
        let _ = write!(note, ", waits {} ({}{others})", time(totals.of(Kind::Wait)), shorten(gist(longest), 22));
    }
    if row.cut {
        note += ", killed";
    }
    note
}

/// A label without the details that stand in parentheses at its end.
fn gist(label: &str) -> &str {
    label.split_once(" (").map_or(label, |(gist, _)| gist)
}

fn shorten(text: &str, most: usize) -> String {
    // A name must not break its line, or the terminal.
    let text: String = text.chars().map(|sign| if sign.is_control() { '�' } else { sign }).collect();
    if text.width() <= most {
        return text;
    }
    // The lanes of a process differ only behind the name of the process.
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
    use super::super::picture::tests::{random_picture, ranks_picture, small_picture};
    use super::*;

    #[test]
    fn a_small_chart_looks_like_this() {
        assert_eq!(draw(&small_picture(), "small", 110), include_str!("../../tests/pictures/small.txt"));
    }

    #[test]
    fn a_chart_says_what_each_rank_sent_and_received() {
        let chart = draw(&ranks_picture(), "ranks", 110);
        assert!(chart.contains("\nrank 0: sent 3 messages, 10.0 kB, to rank 1; received none\n"), "{chart}");
        assert!(chart.ends_with("(1 message is not drawn; the sums include it)\n"), "{chart}");
    }

    #[test]
    fn a_chart_shows_the_first_lanes_and_counts_the_others() {
        let mut picture = small_picture();
        picture.rows.truncate(1);
        picture.lost = 0;
        picture.rows[0].name = "lane".into();
        for (lanes, last) in [(200, "lane  "), (201, "and 1 lanes more"), (210, "and 10 lanes more")] {
            picture.rows.resize(lanes, picture.rows[0].clone());
            let chart = draw(&picture, "many", 110);
            assert!(chart.lines().next_back().is_some_and(|line| line.starts_with(last)), "{lanes}: {chart}");
        }
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let times = [0.0, 1e-9, 1e-6, 999e-6, 1e-3, 0.9994, 1.0, 9.994, 10.0, 99.96];
        let texts = ["0", "1 µs", "1 µs", "999 µs", "1 ms", "999 ms", "1.00 s", "9.99 s", "10.0 s", "100.0 s"];
        assert_eq!(times.map(time), texts);
    }

    #[test]
    fn each_line_draws_the_recorded_times_to_within_one_column() {
        for seed in 0..300 {
            let picture = random_picture(seed);
            let chart = draw(&picture, "random", 160);
            let column = picture.seconds() / columns_of(&chart, &picture) as f64;
            for ((name, row), line) in picture.named().zip(chart.lines().skip(1)) {
                let bar = line.strip_prefix(&shorten(&name, 24)).expect("the name stands first");
                let bar = &bar[..bar.rfind("runs").expect("the totals follow")];
                for kind in [Kind::Run, Kind::Sleep, Kind::Wait, Kind::Idle] {
                    let drawn = bar.chars().filter(|&c| c == sign(kind)).count() as f64 * column;
                    let off = (drawn - row.totals().of(kind)).abs();
                    assert!(off <= column * 1.001, "seed {seed}: {kind:?} is {} columns off\n{chart}", off / column);
                }
            }
        }
    }

    /// The number of columns, as the chart chooses it.
    fn columns_of(chart: &str, picture: &Picture) -> usize {
        let rows: Vec<_> = picture.named().map(|(name, row)| (shorten(&name, 24).width(), note(row).width())).collect();
        assert!(chart.lines().skip(1).take(rows.len()).all(|line| line.width() <= 160), "{chart}");
        160 - rows.iter().map(|row| row.0).max().unwrap() - rows.iter().map(|row| row.1).max().unwrap() - 4
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shorten("consumer", 8), "consumer");
        assert_eq!(shorten("consumers", 8), "consume…");
        assert_eq!(shorten("consumers/main 2", 12), "cons…/main 2");
        assert_eq!(shorten("c/a very long name", 8), "c/a ver…");
        assert_eq!(shorten("two\nlines", 20), "two�lines");
    }
}

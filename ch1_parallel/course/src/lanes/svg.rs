//! The chart as an SVG. It follows the reader's light or dark scheme. States differ in height and hatching as well as in
//! colour, so colour vision is not needed.
//!
//! A stretch is drawn at its exact place. Stretches that are shorter than a pixel share a cell of about one pixel, in which each
//! kind of state has its exact part of the width. Marks above a row show where the lane runs for less than a pixel.

use std::fmt::Write;

use super::chart::time;
use super::exchange::size;
use super::picture::{Picture, Row, Stretch};
use super::{Kind, State};

const WIDTH: f64 = 960.0;
const ROW: f64 = 26.0;
const TOP: f64 = 56.0;
const SIGN: f64 = 6.7; // width of a letter of the font at its size
/// An SVG shows this number of lanes.
const MOST_ROWS: usize = 500;

const STYLE: &str = "
  svg { background: #ffffff; color: #1b1f24; font: 12px ui-monospace, Menlo, Consolas, monospace }
  text { fill: currentColor } .small { font-size: 10px }
  .run { fill: #0b62b0 } .sleep { fill: url(#dots) } .wait { fill: url(#hatch) } .idle { fill: #8c959f }
  .tick { fill: #0b62b0 } .under { fill: #dcebe4 } .dot { fill: #2d7d5a } .pale { fill: #f7e3d0 } .stripe { stroke: #b25000; stroke-width: 3 }
  .in { fill: #ffffff } .on { paint-order: stroke; stroke: #ffffff; stroke-width: 4 } .grid { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; color: #e6edf3 }
    .run, .tick { fill: #58a6ff } .idle { fill: #6e7681 }
    .under { fill: #16352a } .dot { fill: #6fcf9f } .pale { fill: #3a2413 } .stripe { stroke: #f0a050 }
    .in { fill: #0d1117 } .on { stroke: #0d1117 } .grid { stroke: #30363d }
  }";

/// The patterns of sleeps (dots) and waits (stripes).
const PATTERNS: &str = r#"<defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="pale"/><line x1="0" y1="0" x2="0" y2="6" class="stripe"/></pattern>
<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" class="under"/><circle cx="2.5" cy="2.5" r="1" class="dot"/></pattern>
</defs>"#;

/// What pictures with messages need besides.
const EXCHANGE_STYLE: &str = r#"<style>
  .band { fill: #8250df; fill-opacity: .16; stroke: #8250df; stroke-opacity: .5 }
  .message { fill: none; stroke: #1b1f24; stroke-width: 1.2; marker-end: url(#head) } .head { fill: #1b1f24 }
  @media (prefers-color-scheme: dark) {
    .band { fill: #d2a8ff; stroke: #d2a8ff } .message { stroke: #e6edf3 } .head { fill: #e6edf3 }
  }
</style>
<defs><marker id="head" markerWidth="7" markerHeight="6" refX="6.5" refY="3" orient="auto"><path class="head" d="M0 0L7 3L0 6z"/></marker></defs>
"#;

/// Draws `picture` as a whole SVG document.
#[must_use]
pub fn draw(picture: &Picture, title: &str) -> String {
    let rows: Vec<_> = picture.named().take(MOST_ROWS).collect();
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(60);
    let left = 24.0 + longest as f64 * SIGN * 1.08;
    let scale = Scale {
        begin: picture.begin,
        left,
        per_ns: (WIDTH - left - 24.0) / (picture.end - picture.begin).max(1) as f64,
    };
    let more = picture.rows.len().saturating_sub(MOST_ROWS);
    let more = (more > 0).then(|| format!("and {more} lanes more"));
    let remarks: Vec<_> = more.into_iter().chain(picture.remark()).collect();
    let bottom = TOP + ROW * rows.len() as f64 + 10.0;
    let height = bottom + 30.0 + 16.0 * remarks.len() as f64;

    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">
<title>{label}</title>
<style>{STYLE}
</style>
{PATTERNS}
<text x="12" y="22">{title}, {length}</text>
"#,
        label = escape(&format!("Timeline of {title}: what each lane did and waited for")),
        title = escape(title),
        length = time(picture.seconds()),
    );
    legend(&mut svg);
    axis(&mut svg, picture, &scale, bottom);
    for (index, (name, row)) in rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        let shown: String =
            if name.chars().count() > 60 { name.chars().take(59).chain(['…']).collect() } else { name.clone() };
        // An SVG draws no spaces at the begin of a text.
        let shown = shown.trim_start();
        let x = 12.0 + (8 * (name.len() - name.trim_start().len())) as f64;
        let _ = writeln!(svg, r#"<text x="{x}" y="{:.1}">{}</text>"#, y + 17.0, escape(shown));
        draw_row(&mut svg, &scale, row, y);
        if let (true, Some(last)) = (row.cut, row.stretches.last()) {
            let x = scale.x(last.to);
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}">✗<title>{}</title></text>"#,
                y + 17.0,
                killed(name.trim_start_matches([' ', '└']))
            );
        }
    }
    draw_exchange(&mut svg, picture, &scale, rows.len());
    for (index, remark) in remarks.iter().enumerate() {
        let y = bottom + 32.0 + 16.0 * index as f64;
        let _ = writeln!(svg, r#"<text class="small" x="12" y="{y:.1}">{}</text>"#, escape(remark));
    }
    svg += "</svg>\n";
    svg
}

/// A call that ranks made together is a band over their rows, from where each rank entered to where it left. A message is an arrow
/// from the begin of its send to the end of its receive.
fn draw_exchange(svg: &mut String, picture: &Picture, scale: &Scale, rows: usize) {
    if picture.exchange.messages.is_empty() && picture.exchange.meetings.is_empty() {
        return;
    }
    *svg += EXCHANGE_STYLE;
    let y = |row: usize| TOP + ROW * row as f64 + ROW / 2.0;
    let name = |row: usize| &picture.rows[row].process_name;
    for meeting in &picture.exchange.meetings {
        let ranks: Vec<_> = meeting.ranks.iter().filter(|(row, ..)| *row < rows).collect();
        let entered = ranks.iter().map(|(row, from, _)| (scale.x(*from), y(*row)));
        let left = ranks.iter().rev().map(|(row, _, to)| (scale.x(*to), y(*row)));
        let corners: Vec<String> = entered.chain(left).map(|(x, y)| format!("{x:.2} {y:.1}")).collect();
        let title = escape(&format!("{} of {} ranks", meeting.what, meeting.ranks.len()));
        let _ = writeln!(svg, r#"<path class="band" d="M{}z"><title>{title}</title></path>"#, corners.join("L"));
    }
    for message in picture.exchange.messages.iter().filter(|it| it.from < rows && it.to < rows) {
        let (x, to_x) = (scale.x(message.sent), scale.x(message.received));
        let length = time(message.received.saturating_sub(message.sent) as f64 / 1e9);
        let title = format!(
            "{} to {}: {}, tag {}, {length} from the begin of the send to the end of the receive",
            name(message.from),
            name(message.to),
            size(message.bytes),
            message.tag
        );
        let _ = writeln!(
            svg,
            r#"<path class="message" d="M{x:.2} {:.1}L{to_x:.2} {:.1}"><title>{}</title></path>"#,
            y(message.from),
            y(message.to),
            escape(&title)
        );
    }
}

fn draw_row(svg: &mut String, scale: &Scale, row: &Row, y: f64) {
    let pixel = (1.0 / scale.per_ns) as u64;
    let mut cell = Cell::default();
    let mut ticks = String::new();
    let mut ticked = f64::NEG_INFINITY;
    for stretch in &row.stretches {
        let length = stretch.to - stretch.from;
        if length < pixel && stretch.state.kind() == Kind::Run {
            let x = scale.x(stretch.from);
            if x - ticked >= 2.0 {
                ticked = x;
                let _ = write!(ticks, "M{x:.2} {:.1}h1.2v3h-1.2z", y);
            }
        }
        if !cell.has_room(stretch, pixel) {
            cell.draw(svg, scale, y);
        }
        if length >= pixel {
            let x = (scale.x(stretch.from), scale.x(stretch.to));
            bar(svg, x, &stretch.state, stretch.seconds(), y);
        } else {
            cell.add(stretch);
        }
    }
    cell.draw(svg, scale, y);
    if !ticks.is_empty() {
        let _ = writeln!(svg, r#"<path class="tick" d="{ticks}"><title>runs for less than a pixel</title></path>"#);
    }
}

/// Neighbours that are shorter than a pixel.
#[derive(Default)]
struct Cell<'row> {
    from: u64,
    to: u64,
    /// The time of each kind, in the order in which they came, and the longest of its stretches. `None` is a gap.
    parts: Vec<(Option<&'row Stretch>, u64)>,
}

impl<'row> Cell<'row> {
    /// Whether the stretch can be drawn in this cell, which has at most about one pixel.
    fn has_room(&self, stretch: &Stretch, pixel: u64) -> bool {
        self.parts.is_empty() || (stretch.to - stretch.from < pixel && stretch.to - self.from <= pixel)
    }

    fn add(&mut self, stretch: &'row Stretch) {
        if self.parts.is_empty() {
            (self.from, self.to) = (stretch.from, stretch.from);
        }
        self.add_part(None, stretch.from - self.to);
        self.add_part(Some(stretch), stretch.to - stretch.from);
        self.to = stretch.to;
    }

    fn add_part(&mut self, stretch: Option<&'row Stretch>, length: u64) {
        let kind = |stretch: Option<&Stretch>| stretch.map(|stretch| stretch.state.kind());
        let same = self.parts.iter_mut().find(|(other, _)| kind(*other) == kind(stretch));
        match same {
            _ if length == 0 => {}
            Some((longest, total)) => {
                if let (Some(new), Some(old)) = (stretch, *longest)
                    && new.to - new.from > old.to - old.from
                {
                    *longest = Some(new);
                }
                *total += length;
            }
            None => self.parts.push((stretch, length)),
        }
    }

    fn draw(&mut self, svg: &mut String, scale: &Scale, y: f64) {
        let mut at = self.from;
        for (stretch, length) in self.parts.drain(..) {
            if let Some(stretch) = stretch {
                bar(svg, (scale.x(at), scale.x(at + length)), &stretch.state, length as f64 / 1e9, y);
            }
            at += length;
        }
    }
}

struct Scale {
    begin: u64,
    left: f64,
    per_ns: f64,
}

impl Scale {
    fn x(&self, at: u64) -> f64 {
        // A message of another host may seem to come before the first lane.
        self.left + at.saturating_sub(self.begin) as f64 * self.per_ns
    }
}

fn legend(svg: &mut String) {
    for (x, class, word) in [
        (WIDTH - 350.0, "run", "runs"),
        (WIDTH - 270.0, "sleep", "sleeps"),
        (WIDTH - 178.0, "wait", "waits"),
        (WIDTH - 92.0, "idle", "idle"),
    ] {
        let (y, height) = shape(class);
        // Not a `rect`: that is what the lanes did.
        let _ = writeln!(svg, r#"<path class="{class}" d="M{x} {:.1}h22v{height}h-22z"/>"#, 6.0 + y);
        let _ = writeln!(svg, r#"<text x="{}" y="22">{word}</text>"#, x + 28.0);
    }
}

fn axis(svg: &mut String, picture: &Picture, scale: &Scale, bottom: f64) {
    let step = round_step(picture.seconds() / 8.0);
    let mut at = 0.0;
    while step > 0.0 && at <= picture.seconds() {
        let x = scale.x(picture.begin + (at * 1e9) as u64);
        let _ = writeln!(svg, r#"<line class="grid" x1="{x:.1}" y1="{}" x2="{x:.1}" y2="{bottom:.1}"/>"#, TOP - 8.0);
        let _ = writeln!(
            svg,
            r#"<text class="small" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            bottom + 14.0,
            axis_time(at, step)
        );
        at += step;
    }
}

/// A time on an axis, with as many decimals as the step needs.
fn axis_time(seconds: f64, step: f64) -> String {
    let (factor, unit) = match seconds {
        s if s >= 0.9995 => (1.0, "s"),
        s if s >= 0.9995e-3 => (1e3, "ms"),
        s if s > 0.0 => (1e6, "µs"),
        _ => return "0".into(),
    };
    let decimals = (0..9).find(|&decimals| step * factor * 10f64.powi(decimals) >= 0.9995).unwrap_or(9);
    format!("{:.*} {unit}", decimals.unsigned_abs() as usize, seconds * factor)
}

/// 1, 2 or 5 times a power of ten.
fn round_step(seconds: f64) -> f64 {
    if seconds <= 0.0 {
        return 0.0;
    }
    // The greatest power of ten that is not greater, from a nanosecond on. With `log10` and `powf` each program would load the
    // system's library of mathematics at its start, and each child process too.
    let powers = std::iter::successors(Some(1e-9), |power| Some(power * 10.0));
    let power = powers.take_while(|&power| power <= seconds).last().unwrap_or(1e-9);
    power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= seconds).unwrap_or(10.0)
}

/// Place below the row's top, and height: a run is a full bar, a sleep and a wait are lower ones, idleness is a line.
fn shape(class: &str) -> (f64, f64) {
    match class {
        "run" => (4.0, 18.0),
        "sleep" | "wait" => (7.0, 12.0),
        _ => (12.5, 1.0),
    }
}

fn bar(svg: &mut String, (x, end): (f64, f64), state: &State, seconds: f64, row: f64) {
    let class = match state.kind() {
        Kind::Run => "run",
        Kind::Sleep => "sleep",
        Kind::Wait => "wait",
        Kind::Idle => "idle",
        Kind::Absent => return,
    };
    let place = state.place().map(|place| format!(" at {place}")).unwrap_or_default();
    let (y, height) = shape(class);
    // Both ends are rounded, not the width, so that errors do not add up along a row.
    let round = |x: f64| (x * 1000.0).round() / 1000.0;
    let (x, width) = (round(x), round(end) - round(x));
    let _ = writeln!(
        svg,
        r#"<rect class="{class}" x="{x:.3}" y="{:.1}" width="{width:.3}" height="{height}"><title>{}, {}</title></rect>"#,
        row + y,
        escape(&(state.words() + &place)),
        time(seconds)
    );
    let inside = if class == "run" { "in" } else { "on" };
    let label = state.label();
    if !label.is_empty() && label.chars().count() as f64 * SIGN + 8.0 < width {
        let (x, y, label) = (x + 4.0, row + 16.5, escape(label));
        let _ = writeln!(svg, r#"<text class="small {inside}" x="{x:.1}" y="{y:.1}">{label}</text>"#);
    }
}

fn killed(name: &str) -> String {
    escape(&format!("{name} was killed"))
}

/// `text` as it must stand in XML or HTML. Characters that XML does not allow become U+FFFD.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            sign => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::{random_picture, ranks_picture, small_picture};
    use super::*;

    #[test]
    fn messages_are_arrows_between_rows_and_a_call_made_together_is_a_band() {
        let svg = draw(&ranks_picture(), "ranks");
        let arrows: Vec<&str> = svg.lines().filter(|line| line.starts_with(r#"<path class="message""#)).collect();
        assert_eq!(arrows.len(), 2, "{svg}");
        // From the middle of the first row to the middle of the second one.
        assert!(arrows[0].contains(" 69.0L") && arrows[0].contains(" 95.0\""), "{}", arrows[0]);
        assert!(arrows[0].contains("<title>rank 0 to rank 1: 8 B, tag 5, 30 ms from"), "{}", arrows[0]);
        assert!(svg.contains("<title>MPI_Barrier of 2 ranks</title>"), "{svg}");
    }

    #[test]
    fn a_small_picture_looks_like_this() {
        assert_eq!(draw(&small_picture(), "small & exact"), include_str!("../../tests/pictures/small.svg"));
    }

    #[test]
    fn an_svg_shows_the_first_lanes_and_counts_the_others() {
        let mut picture = small_picture();
        picture.rows.truncate(1);
        for (lanes, more) in [(500, None), (501, Some("and 1 lanes more")), (510, Some("and 10 lanes more"))] {
            picture.rows.resize(lanes, picture.rows[0].clone());
            let svg = draw(&picture, "many");
            assert_eq!(svg.matches(">main</text>").count(), 500);
            assert_eq!(svg.contains("lanes more</text>"), more.is_some());
            assert!(more.is_none_or(|more| svg.contains(more)));
        }
    }

    #[test]
    fn a_long_name_is_cut_at_60_letters() {
        let mut picture = small_picture();
        picture.rows.truncate(1);
        for (length, shown) in [(60, "x".repeat(60)), (61, "x".repeat(59) + "…")] {
            picture.rows[0].name = "x".repeat(length);
            let svg = draw(&picture, "long");
            assert!(svg.contains(&format!(">{shown}</text>")), "{length}: {svg}");
        }
    }

    /// A `rect` of a row: its class, where it begins and where it ends.
    fn rects(svg: &str) -> Vec<(usize, Kind, f64, f64)> {
        let number = |line: &str, name: &str| -> f64 {
            let rest = line.split(&format!(" {name}=\"")).nth(1).expect(name);
            rest.split('"').next().expect("a value").parse().expect("a number")
        };
        let lines = svg.lines().filter(|line| line.starts_with("<rect class="));
        lines
            .map(|line| {
                let kind = match line.split('"').nth(1) {
                    Some("run") => Kind::Run,
                    Some("sleep") => Kind::Sleep,
                    Some("wait") => Kind::Wait,
                    _ => Kind::Idle,
                };
                let (x, width) = (number(line, "x"), number(line, "width"));
                (((number(line, "y") - TOP) / ROW) as usize, kind, x, x + width)
            })
            .collect()
    }

    #[test]
    fn each_row_draws_the_recorded_times_to_within_one_pixel_at_any_place() {
        for seed in 0..300 {
            let picture = random_picture(seed);
            let rects = rects(&draw(&picture, "random"));
            let longest = picture.named().map(|(name, _)| name.chars().count()).max().unwrap();
            let left = 24.0 + longest as f64 * SIGN * 1.08;
            let per_ns = (WIDTH - left - 24.0) / (picture.end - picture.begin) as f64;
            for (index, row) in picture.rows.iter().enumerate() {
                for kind in [Kind::Run, Kind::Sleep, Kind::Wait, Kind::Idle] {
                    let drawn: Vec<_> = rects.iter().filter(|rect| rect.0 == index && rect.1 == kind).collect();
                    let stretches: Vec<_> = row.stretches.iter().filter(|it| it.state.kind() == kind).collect();
                    for x in (0..=20).map(|part| left + (WIDTH - left - 24.0) * f64::from(part) / 20.0) {
                        let at = picture.begin as f64 + (x - left) / per_ns;
                        let due: f64 = stretches
                            .iter()
                            .map(|it| ((it.to as f64).min(at) - it.from as f64).max(0.0) * per_ns)
                            .sum();
                        let is: f64 = drawn.iter().map(|rect| (rect.3.min(x) - rect.2).max(0.0)).sum();
                        assert!(
                            (due - is).abs() <= 1.0,
                            "seed {seed}, row {index}, {kind:?} until {x}: {is} for {due}"
                        );
                    }
                }
                let widest = rects.iter().filter(|rect| rect.0 == index).map(|rect| rect.3 - rect.2).sum::<f64>();
                assert!(widest <= WIDTH - left - 24.0 + 1.0, "seed {seed}: bars lie over each other");
            }
        }
    }

    #[test]
    fn a_gap_between_two_tasks_stays_empty() {
        let stretch = |from, to| Stretch { from, to, state: std::sync::Arc::new(State::Run(String::new())) };
        let row = Row {
            process: 1,
            rank: None,
            process_name: "p".into(),
            name: "call".into(),
            number: 0,
            depth: 0,
            kind: "task".into(),
            stretches: vec![stretch(0, 1000), stretch(500_000_000, 500_001_000), stretch(999_999_000, 1_000_000_000)],
            thinned: 0,
            cut: false,
        };
        let svg = draw(&Picture { begin: 0, end: 1_000_000_000, rows: vec![row], ..Picture::default() }, "gap");
        assert_eq!(rects(&svg).len(), 3, "{svg}");
        assert!(rects(&svg).iter().all(|rect| rect.3 - rect.2 < 0.01), "{svg}");
        assert!(svg.contains(r#"class="tick""#), "what cannot be seen is marked: {svg}");
    }

    #[test]
    fn what_xml_does_not_allow_is_replaced() {
        assert_eq!(escape("a\u{ffff}b\u{1}<\"&>"), "a\u{fffd}b\u{fffd}&lt;&quot;&amp;&gt;");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(0.03), 0.05);
        assert_eq!(round_step(0.1), 0.1);
        assert_eq!(round_step(6.1), 10.0);
    }
}

//! The chart as an SVG. It follows the reader's light or dark scheme. States differ in height and hatching as well as in
//! colour, so colour vision is not needed.

use std::fmt::Write;

use super::chart::time;
use super::picture::{Picture, Row, Stretch};
use super::record::State;

const WIDTH: f64 = 960.0;
const ROW: f64 = 26.0;
const TOP: f64 = 56.0;
const NARROWEST: f64 = 0.5;
const SIGN: f64 = 6.7; // width of a letter of the font at its size

const STYLE: &str = "
  svg { background: #ffffff; color: #1b1f24; font: 12px ui-monospace, Menlo, Consolas, monospace }
  text { fill: currentColor } .small { font-size: 10px }
  .run { fill: #0b62b0 } .wait { fill: url(#hatch); stroke: #b25000; stroke-width: 1 } .idle { fill: #8c959f }
  .in { fill: #ffffff } .on { paint-order: stroke; stroke: #ffffff; stroke-width: 4 } .grid { stroke: #d0d7de } .mark { stroke: #b25000; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; color: #e6edf3 }
    .run { fill: #58a6ff } .wait, .mark { stroke: #f0a050 } .idle { fill: #6e7681 }
    .in { fill: #0d1117 } .on { stroke: #0d1117 } .grid { stroke: #30363d }
  }";

/// Draws `picture` as a whole SVG document.
#[must_use]
pub fn draw(picture: &Picture, title: &str) -> String {
    let rows: Vec<_> = picture.named().collect();
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let left = 24.0 + longest as f64 * SIGN * 1.08;
    let scale = Scale {
        begin: picture.begin,
        left,
        per_ns: (WIDTH - left - 24.0) / (picture.end - picture.begin).max(1) as f64,
    };
    let height = TOP + ROW * rows.len() as f64 + 40.0;

    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">
<title>{label}</title>
<style>{STYLE}
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" class="mark"/></pattern></defs>
<text x="12" y="22">{title}, {length}</text>
"#,
        label = escape(&format!("Timeline of {title}: what each lane did and waited for")),
        title = escape(title),
        length = time(picture.seconds()),
    );
    legend(&mut svg);
    axis(&mut svg, picture, &scale, height);
    for (index, (name, row)) in rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        let _ = writeln!(svg, r#"<text x="12" y="{:.1}">{}</text>"#, y + 17.0, escape(name));
        for stretch in drawable(&row.stretches, (NARROWEST / scale.per_ns) as u64) {
            bar(&mut svg, &scale, &stretch, y);
        }
        if let (true, Some(last)) = (row.cut, row.stretches.last()) {
            let x = scale.x(last.to);
            let _ = writeln!(svg, r#"<text x="{x:.1}" y="{:.1}">✗<title>{}</title></text>"#, y + 17.0, killed(row));
        }
    }
    svg += "</svg>\n";
    svg
}

/// Joins neighbours that are shorter than `least` nanoseconds: nobody can see them, and a long run has millions. Together
/// they are drawn as what took the most of their time.
fn drawable(stretches: &[Stretch], least: u64) -> Vec<Stretch> {
    let mut drawn: Vec<Stretch> = Vec::new();
    let mut short: Vec<&Stretch> = Vec::new();
    let join = |short: &mut Vec<&Stretch>, drawn: &mut Vec<Stretch>| {
        let longest = short.iter().max_by_key(|stretch| stretch.to - stretch.from);
        if let (Some(longest), Some(first), Some(last)) = (longest, short.first(), short.last()) {
            drawn.push(Stretch { from: first.from, to: last.to, state: longest.state.clone() });
        }
        short.clear();
    };
    for stretch in stretches {
        if stretch.to - stretch.from >= least {
            join(&mut short, &mut drawn);
            drawn.push(stretch.clone());
        } else {
            short.push(stretch);
            if stretch.to - short[0].from >= least {
                join(&mut short, &mut drawn);
            }
        }
    }
    join(&mut short, &mut drawn);
    drawn
}

struct Scale {
    begin: u64,
    left: f64,
    per_ns: f64,
}

impl Scale {
    fn x(&self, at: u64) -> f64 {
        self.left + (at - self.begin) as f64 * self.per_ns
    }
}

fn legend(svg: &mut String) {
    for (x, class, word) in
        [(WIDTH - 250.0, "run", "runs"), (WIDTH - 170.0, "wait", "waits"), (WIDTH - 84.0, "idle", "idle")]
    {
        let (y, height) = shape(class);
        let _ = writeln!(svg, r#"<rect class="{class}" x="{x}" y="{:.1}" width="22" height="{height}"/>"#, 6.0 + y);
        let _ = writeln!(svg, r#"<text x="{}" y="22">{word}</text>"#, x + 28.0);
    }
}

fn axis(svg: &mut String, picture: &Picture, scale: &Scale, height: f64) {
    let step = round_step(picture.seconds() / 8.0);
    let mut at = 0.0;
    while step > 0.0 && at <= picture.seconds() {
        let x = scale.x(picture.begin + (at * 1e9) as u64);
        let bottom = height - 30.0;
        let _ = writeln!(svg, r#"<line class="grid" x1="{x:.1}" y1="{}" x2="{x:.1}" y2="{bottom:.1}"/>"#, TOP - 8.0);
        let _ = writeln!(
            svg,
            r#"<text class="small" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            bottom + 14.0,
            time(at)
        );
        at += step;
    }
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

/// Place below the row's top, and height: a run is a full bar, a wait a lower one, idleness a line.
fn shape(class: &str) -> (f64, f64) {
    match class {
        "run" => (4.0, 18.0),
        "wait" => (7.0, 12.0),
        _ => (12.5, 1.0),
    }
}

fn bar(svg: &mut String, scale: &Scale, stretch: &Stretch, row: f64) {
    let (class, label, said) = match &stretch.state {
        State::Run(what) if what.is_empty() => ("run", "", "runs".to_string()),
        State::Run(what) => ("run", what.as_str(), format!("runs: {what}")),
        State::Wait { on, place } => ("wait", on.as_str(), format!("waits for {on} at {place}")),
        State::Sleep { what, place } => ("idle", what.as_str(), format!("sleeps: {what} at {place}")),
        State::Idle => ("idle", "", "idle".to_string()),
    };
    let (x, end) = (scale.x(stretch.from), scale.x(stretch.to));
    let width = (end - x).max(0.5);
    let (y, height) = shape(class);
    let _ = writeln!(
        svg,
        r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="{width:.1}" height="{height}"><title>{}, {}</title></rect>"#,
        row + y,
        escape(&said),
        time(stretch.seconds())
    );
    let inside = if class == "run" { "in" } else { "on" };
    if !label.is_empty() && label.chars().count() as f64 * SIGN + 8.0 < width {
        let (x, y, label) = (x + 4.0, row + 16.5, escape(label));
        let _ = writeln!(svg, r#"<text class="small {inside}" x="{x:.1}" y="{y:.1}">{label}</text>"#);
    }
}

fn killed(row: &Row) -> String {
    escape(&format!("{} was killed", row.name))
}

/// `text` as it must stand in XML or HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_see_is_joined() {
        let stretch = |from, to, what: &str| Stretch { from, to, state: State::Run(what.into()) };
        let stretches: Vec<_> =
            (0..1000).map(|i| stretch(i, i + 1, "short")).chain([stretch(1000, 1100, "long")]).collect();
        let drawn = drawable(&stretches, 10);
        assert_eq!(drawn.len(), 101);
        assert_eq!((drawn[0].from, drawn[99].to, drawn[100].from, drawn[100].to), (0, 1000, 1000, 1100));
        assert_eq!(drawable(&stretches[..3], 10).len(), 1, "nothing is left out");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(0.03), 0.05);
        assert_eq!(round_step(0.1), 0.1);
        assert_eq!(round_step(6.1), 10.0);
    }
}

//! Plots as SVG: lines over an axis, and rows with marks. All are as wide as the screen of a phone; the page puts several
//! side by side on a wide screen.
//!
//! The library draws with colours that only stand for the classes of [`Ink`]. `finish` replaces them, so that the page's
//! style can give light and dark colours.

use std::ops::Range;

use course::lanes::svg::escape;
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, short};
use super::ink::Ink;

const WIDTH: u32 = 360;
const LEFT: i32 = 40;
/// The plotting library divides sizes of letters by 1.24.
const LETTER: f64 = 11.0 * 1.24;
const ROW: i32 = 32;
/// The height of the words at ticks.
const TICKS: i32 = 18;

/// A point of a line.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Its place on the horizontal axis.
    pub x: f64,
    /// Its place on the vertical axis.
    pub y: f64,
    /// The bounds of `y`, if they are known.
    pub bounds: Option<(f64, f64)>,
}

/// A line with markers.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, which stands at its end.
    pub name: String,
    /// What draws it.
    pub ink: Ink,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// Lines over a logarithmic axis.
#[derive(Clone, Debug)]
pub struct Lines {
    /// What the plot shows, for readers who do not see it.
    pub label: String,
    /// The name of the horizontal axis.
    pub x: String,
    /// The name of the vertical axis.
    pub y: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// A value of the vertical axis that the plot is about.
    pub limit: f64,
    /// Values on the vertical axis are parts, shown as percents from 0 on.
    pub percent: bool,
}

/// A mark in a row.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Its place.
    pub x: f64,
    /// The bounds of `x`, if they are known.
    pub bounds: Option<(f64, f64)>,
    /// How it is drawn.
    pub kind: MarkKind,
}

/// How a mark is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The marker of the row's ink
    Full,
    /// A ring
    Ring,
    /// A cross
    Cross,
}

/// A row with marks.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name, at the left above the marks.
    pub name: String,
    /// What stands at the right above the marks.
    pub note: String,
    /// What draws it.
    pub ink: Ink,
    /// Its marks.
    pub marks: Vec<Mark>,
}

/// Rows over an axis.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What the plot shows, for readers who do not see it.
    pub label: String,
    /// The name of the axis.
    pub x: String,
    /// The axis.
    pub axis: Axis,
    /// The words at a tick of the axis.
    pub tick: fn(f64) -> String,
    /// The rows.
    pub rows: Vec<Row>,
    /// A value that the plot is about.
    pub limit: Option<f64>,
}

type Area<'svg> = DrawingArea<SVGBackend<'svg>, Shift>;

/// Draws into a string; it only fails if a file cannot be written, and there is none.
fn draw(height: u32, label: &str, draw: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        if let Err(error) = draw(&area).and_then(|()| Ok(area.present()?)) {
            return format!("<p>This plot cannot be drawn: {}</p>", escape(&error.to_string()));
        }
    }
    finish(&svg, height, label)
}

/// The SVG with classes in place of colours, and with a label for readers who do not see it.
fn finish(svg: &str, height: u32, label: &str) -> String {
    let body = svg.split_once(">\n").map_or(svg, |(_, body)| body);
    let mut body = body.replace(" opacity=\"1\"", "").replace(" font-family=\"sans-serif\"", "");
    for ink in Ink::ALL {
        let RGBColor(red, green, blue) = ink.colour();
        let colour = format!("#{red:02X}{green:02X}{blue:02X}");
        for (attribute, kind) in [("stroke", "line"), ("fill", "area")] {
            let class = format!("class=\"{kind} {}\"", ink.class());
            body = body.replace(&format!("{attribute}=\"{colour}\""), &class);
        }
    }
    let label = escape(label);
    format!("<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">\n{body}")
}

fn letters(ink: Ink, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", LETTER).into_font().color(&ink.colour()).pos(Pos::new(horizontal, vertical))
}

fn marker(ink: Ink, kind: MarkKind) -> (Vec<(i32, i32)>, bool) {
    match kind {
        MarkKind::Full => (ink.marker(), true),
        MarkKind::Ring => (Ink::Text.marker(), false),
        MarkKind::Cross => (vec![(-4, -4), (4, 4), (0, 0), (-4, 4), (4, -4)], false),
    }
}

/// Draws a marker at a place in pixels.
fn mark(area: &Area<'_>, at: (i32, i32), ink: Ink, kind: MarkKind) -> Result<(), Box<dyn std::error::Error>> {
    let (corners, full) = marker(ink, kind);
    let mut corners: Vec<_> = corners.into_iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect();
    if full {
        area.draw(&Polygon::new(corners, ink.colour().filled()))?;
    } else {
        if kind == MarkKind::Ring {
            corners.push(corners[0]);
        }
        // Another width than that of a series, which has dashes.
        area.draw(&PathElement::new(corners, ink.colour().stroke_width(3)))?;
    }
    Ok(())
}

impl Lines {
    /// The plot as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        const HEIGHT: u32 = 250;
        draw(HEIGHT, &self.label, |area| {
            let points = || self.lines.iter().flat_map(|line| &line.points);
            let x = Axis::log(points().map(|point| point.x));
            let bounds = |point: &Point| point.bounds.map_or([point.y; 2], |(low, high)| [low, high]);
            let values: Vec<f64> = points().flat_map(bounds).chain([self.limit]).collect();
            let y = if self.percent { Axis::linear(values) } else { Axis::fit(values) };
            let percent = self.percent;
            let tick = |value| if percent { format!("{:.0} %", value * 100.0) } else { short(value) };

            let (width, height) = (WIDTH as i32, HEIGHT as i32);
            let frame = Frame { left: LEFT..width - 84, top: 20..height - 34 };
            frame.draw(area, (&x, &short), (&y, &tick))?;
            let place = |at_x: f64, at_y: f64| frame.place(&x, &y, (at_x, at_y));
            area.draw(&Text::new(self.y.clone(), (2, 2), letters(Ink::Text, HPos::Left, VPos::Top)))?;
            let middle = i32::midpoint(frame.left.start, frame.left.end);
            area.draw(&Text::new(
                self.x.clone(),
                (middle, height - 2),
                letters(Ink::Text, HPos::Center, VPos::Bottom),
            ))?;
            let limit = place(0.0, self.limit).1;
            let ends = vec![(frame.left.start, limit), (frame.left.end, limit)];
            area.draw(&PathElement::new(ends, Ink::Limit.colour().stroke_width(1)))?;

            for line in &self.lines {
                let style = line.ink.colour().stroke_width(2);
                let places: Vec<_> = line.points.iter().map(|point| place(point.x, point.y)).collect();
                for point in &line.points {
                    if let Some((low, high)) = point.bounds {
                        let (bottom, top) = (place(point.x, low), place(point.x, high));
                        // A rectangle, because the style of lines has dashes.
                        let style = line.ink.colour().filled();
                        area.draw(&Rectangle::new([(top.0, top.1), (bottom.0 + 1, bottom.1)], style))?;
                    }
                }
                area.draw(&PathElement::new(places.clone(), style))?;
                places.iter().try_for_each(|at| mark(area, *at, line.ink, MarkKind::Full))?;
            }
            let ends = self.lines.iter().filter_map(|line| line.points.last().map(|end| place(end.x, end.y).1));
            for (line, y) in
                self.lines.iter().filter(|line| !line.points.is_empty()).zip(apart(ends.collect(), &frame.top))
            {
                mark(area, (frame.left.end + 10, y), line.ink, MarkKind::Full)?;
                let at = (frame.left.end + 19, y);
                area.draw(&Text::new(line.name.clone(), at, letters(Ink::Text, HPos::Left, VPos::Center)))?;
            }
            Ok(())
        })
    }
}

impl Rows {
    /// The plot as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let height = ROW * self.rows.len() as i32 + 44;
        draw(height.unsigned_abs(), &self.label, |area| {
            let frame = Frame { left: 8..WIDTH as i32 - 12, top: 4..height - 36 };
            let none = Axis::empty();
            frame.draw(area, (&self.axis, &self.tick), (&none, &short))?;
            let place = |at_x: f64, at_y: f64| frame.place(&self.axis, &none, (at_x, at_y));
            let middle = i32::midpoint(frame.left.start, frame.left.end);
            area.draw(&Text::new(
                self.x.clone(),
                (middle, height - 2),
                letters(Ink::Text, HPos::Center, VPos::Bottom),
            ))?;
            if let Some(limit) = self.limit {
                let x = place(limit, 0.0).0;
                let ends = vec![(x, frame.top.start), (x, frame.top.end)];
                area.draw(&PathElement::new(ends, Ink::Limit.colour().stroke_width(1)))?;
            }
            for (index, row) in self.rows.iter().enumerate() {
                let top = frame.top.start + ROW * index as i32;
                let y = top + 22;
                area.draw(&Text::new(row.name.clone(), (8, top + 2), letters(Ink::Text, HPos::Left, VPos::Top)))?;
                let right = (WIDTH as i32 - 10, top + 2);
                area.draw(&Text::new(row.note.clone(), right, letters(Ink::Text, HPos::Right, VPos::Top)))?;
                let ends = vec![(frame.left.start, y), (frame.left.end, y)];
                area.draw(&PathElement::new(ends, Ink::Grid.colour().stroke_width(1)))?;
                for it in &row.marks {
                    let at = (place(it.x, 0.0).0, y);
                    if let Some((low, high)) = it.bounds {
                        let (low, high) = (place(low, 0.0).0, place(high, 0.0).0);
                        let style = row.ink.colour().filled();
                        area.draw(&Rectangle::new([(low, y - 1), (high.max(low + 1), y + 1)], style))?;
                    }
                    mark(area, at, row.ink, it.kind)?;
                }
            }
            Ok(())
        })
    }
}

/// The part of a plot that its axes enclose, in pixels.
struct Frame {
    left: Range<i32>,
    top: Range<i32>,
}

impl Frame {
    /// Draws axes and grid.
    fn draw(&self, area: &Area<'_>, x: Shown<'_>, y: Shown<'_>) -> Result<(), Box<dyn std::error::Error>> {
        let (width, height) = (WIDTH as i32, area.dim_in_pixel().1 as i32);
        let mut chart = ChartBuilder::on(area)
            .margin_top(self.top.start)
            .margin_right(width - self.left.end)
            .margin_bottom(height - self.top.end - TICKS)
            .x_label_area_size(TICKS)
            .y_label_area_size(self.left.start)
            .build_cartesian_2d(x.0.clone(), y.0.clone())?;
        chart
            .configure_mesh()
            .bold_line_style(Ink::Grid.colour())
            .light_line_style(TRANSPARENT)
            .axis_style(Ink::Grid.colour())
            .set_all_tick_mark_size(3)
            .label_style(letters(Ink::Text, HPos::Center, VPos::Center))
            .x_label_formatter(&|value| x.1(*value))
            .y_label_formatter(&|value| y.1(*value))
            .draw()?;
        Ok(())
    }

    /// The place of a pair of values, in pixels.
    fn place(&self, x: &Axis, y: &Axis, at: (f64, f64)) -> (i32, i32) {
        (x.map(&at.0, (self.left.start, self.left.end)), y.map(&at.1, (self.top.end, self.top.start)))
    }
}

/// An axis and the words at its ticks.
type Shown<'a> = (&'a Axis, &'a dyn Fn(f64) -> String);

/// Moves places on a line apart so that a line of letters has room at each; their order stays.
fn apart(places: Vec<i32>, within: &Range<i32>) -> Vec<i32> {
    const ROOM: i32 = 14;
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|index| places[*index]);
    let mut moved = places;
    let mut least = within.start + 4;
    for index in &order {
        moved[*index] = moved[*index].max(least);
        least = moved[*index] + ROOM;
    }
    let mut most = within.end.max(within.start + ROOM * moved.len() as i32);
    for index in order.iter().rev() {
        moved[*index] = moved[*index].min(most);
        most = moved[*index] - ROOM;
    }
    moved
}

#[cfg(test)]
mod tests {
    use ch1_parallel::kernels::Strategy;

    use super::*;

    fn lines() -> Lines {
        let point = |x: f64, y: f64| Point { x, y, bounds: Some((y * 0.9, y * 1.1)) };
        let line = |strategy: Strategy, last| Line {
            name: strategy.to_string(),
            ink: Ink::Of(strategy),
            points: vec![point(1e3, 0.2), point(1e6, last)],
        };
        let lines = vec![line(Strategy::Rayon, 1.9), line(Strategy::Threads, 1.92)];
        let text = |text: &str| text.to_owned();
        Lines { label: text("a < b"), x: text("size"), y: text("speed-up"), lines, limit: 1.0, percent: false }
    }

    #[test]
    fn a_plot_has_classes_in_place_of_colours() {
        let svg = lines().svg();
        assert!(!svg.contains("#FA00") && !svg.contains("<p>"), "{svg}");
        for class in ["line of-rayon", "area of-rayon", "line of-threads", "line limit", "line grid", "area ink"] {
            assert!(svg.contains(&format!("class=\"{class}\"")), "{class}: {svg}");
        }
        assert!(
            svg.starts_with("<svg class=\"plot\" viewBox=\"0 0 360 250\" role=\"img\" aria-label=\"a &lt; b\">"),
            "{svg}"
        );
        assert!(svg.ends_with("</svg>\n") && svg.contains("\n100k\n") && svg.contains("\nthreads\n"), "{svg}");
    }

    #[test]
    fn each_row_has_its_name_its_note_and_its_marks() {
        let row = |name: &str, kind| Row {
            name: name.into(),
            note: "3 µs".into(),
            ink: Ink::from(name),
            marks: vec![Mark { x: 3e-6, bounds: Some((2e-6, 4e-6)), kind }],
        };
        let rows = vec![row("rayon task", MarkKind::Full), row("process", MarkKind::Ring)];
        let axis = Axis::log([1e-6, 1e-3]);
        let svg = Rows { label: "x".into(), x: "time".into(), axis, tick: short, rows, limit: Some(1e-5) }.svg();
        assert_eq!(svg.matches("3 µs").count(), 2, "{svg}");
        assert!(svg.contains("area of-rayon") && svg.contains("line of-processes"), "{svg}");
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        assert_eq!(apart(vec![50, 100, 52], &(0..200)), [50, 100, 64]);
        assert_eq!(apart(vec![200, 199, 198], &(0..200)), [200, 186, 172]);
        assert_eq!(apart(vec![], &(0..200)), [0; 0]);
    }
}

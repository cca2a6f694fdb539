//! Plots as SVG: lines over an axis, and rows with marks. All are as wide as the screen of a phone; the page puts several
//! side by side on a wide screen.
//!
//! The library draws with colours that only stand for the classes of [`Ink`]. `finish` replaces them, so that the page's
//! style can give light and dark colours.

mod lines;
mod rows;

use std::ops::Range;

use course::lanes::svg::escape;
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub use self::lines::{Line, Lines, Point};
pub use self::rows::{Mark, Row, Rows};

use super::axis::Axis;
use super::ink::Ink;

/// The width of every plot.
pub(crate) const WIDTH: u32 = 360;
/// The plotting library divides sizes of letters by 1.24.
const LETTER: f64 = 11.0 * 1.24;
/// The height of the words at ticks.
const TICKS: i32 = 18;

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

pub(crate) type Area<'svg> = DrawingArea<SVGBackend<'svg>, Shift>;

/// Draws into a string; it only fails if a file cannot be written, and there is none.
pub(crate) fn draw(
    height: u32,
    label: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>,
) -> String {
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

pub(crate) fn letters(ink: Ink, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
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
pub(crate) fn mark(
    area: &Area<'_>,
    at: (i32, i32),
    ink: Ink,
    kind: MarkKind,
) -> Result<(), Box<dyn std::error::Error>> {
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

/// The part of a plot that its axes enclose, in pixels.
pub(crate) struct Frame {
    pub left: Range<i32>,
    pub top: Range<i32>,
}

impl Frame {
    /// Draws axes and grid.
    pub fn draw(&self, area: &Area<'_>, x: Shown<'_>, y: Shown<'_>) -> Result<(), Box<dyn std::error::Error>> {
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

    /// Writes the name of the horizontal axis below the frame, at the lower edge of the plot.
    pub fn name_horizontal_axis(&self, area: &Area<'_>, name: &str) -> Result<(), Box<dyn std::error::Error>> {
        let middle = i32::midpoint(self.left.start, self.left.end);
        let at = (middle, area.dim_in_pixel().1 as i32 - 2);
        area.draw(&Text::new(name, at, letters(Ink::Text, HPos::Center, VPos::Bottom)))?;
        Ok(())
    }

    /// The place of a pair of values, in pixels.
    pub fn place(&self, x: &Axis, y: &Axis, at: (f64, f64)) -> (i32, i32) {
        (x.map(&at.0, (self.left.start, self.left.end)), y.map(&at.1, (self.top.end, self.top.start)))
    }
}

/// An axis and the words at its ticks.
pub(crate) type Shown<'a> = (&'a Axis, &'a dyn Fn(f64) -> String);

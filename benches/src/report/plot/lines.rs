//! Lines over a logarithmic axis.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Frame, MarkKind, WIDTH, draw, letters, mark};
use crate::report::axis::Axis;
use crate::report::ink::Ink;
use crate::units::short;

/// The width of the words at the ticks of the vertical axis.
const LEFT: i32 = 40;

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
            frame.name_horizontal_axis(area, &self.x)?;
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
    fn labels_do_not_cover_each_other() {
        assert_eq!(apart(vec![50, 100, 52], &(0..200)), [50, 100, 64]);
        assert_eq!(apart(vec![200, 199, 198], &(0..200)), [200, 186, 172]);
        assert_eq!(apart(vec![], &(0..200)), [0; 0]);
    }
}

//! Rows with marks, over an axis.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Frame, MarkKind, WIDTH, draw, letters, mark};
use crate::report::axis::Axis;
use crate::report::ink::Ink;
use crate::units::short;

const ROW: i32 = 32;

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
            frame.name_horizontal_axis(area, &self.x)?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}

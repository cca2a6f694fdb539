//! The speed-ups and the fitted laws as a picture: a file that stands alone, for light and dark screens.

use std::fmt::Write;

use ch1_parallel::kernels::Strategy;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::study::{Series, Study};
use crate::report::axis::Axis;
use crate::report::ink::Ink;
use crate::report::plot::{Area, Frame, MarkKind, WIDTH, draw, letters, mark};
use crate::units::short;

const HEIGHT: u32 = 300;
/// From more ranks than this on, both axes are logarithmic.
const MOST_ON_A_LINEAR_AXIS: usize = 16;
/// The number of pieces of a curve.
const PIECES: u32 = 64;

/// The colours of the report (Okabe and Ito's). Lines also differ in their dashes, so that they can be told apart without
/// colours.
const STYLE: &str = "\
.plot { --paper: #ffffff; --ink: #1b1f24; --rule: #d0d7de; --limit: #8c2d04; --mpi: #d55e00; font-family: sans-serif }
@media (prefers-color-scheme: dark) {
  .plot { --paper: #0d1117; --ink: #e6edf3; --rule: #30363d; --limit: #ffb27a; --mpi: #ff7b39 }
}
.paper { fill: var(--paper) }
.ink { --series: var(--ink) } .grid { --series: var(--rule) }
.limit { --series: var(--limit) } .of-mpi { --series: var(--mpi) }
.line { stroke: var(--series); fill: none } .area { fill: var(--series); stroke: none }
.limit { stroke-dasharray: 5 3 }
text { paint-order: stroke; stroke: var(--paper); stroke-width: 3px }
";

/// What draws the measured points and the law that is fitted to them.
const SERIES: Ink = Ink::Of(Strategy::Mpi);

impl Study {
    /// The picture as SVG: a plot for each kind of scaling, side by side.
    #[must_use]
    pub fn svg(&self) -> String {
        let width = WIDTH * self.series.len().max(1) as u32;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" \
             height=\"{HEIGHT}\">\n<style>\n{STYLE}</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
        );
        for (index, series) in self.series.iter().enumerate() {
            let place = format!("<svg x=\"{}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" ", WIDTH * index as u32);
            let _ = svg.write_str(&self.plot(series).replacen("<svg ", &place, 1));
        }
        svg + "</svg>\n"
    }

    fn plot(&self, series: &Series) -> String {
        let title = format!("{} scaling of {}", series.law.scaling(), self.kernel);
        let law = series.verdict();
        draw(HEIGHT, &format!("{title}. {law}"), |area| {
            let last = series.points.iter().map(|point| point.run.ranks).max().unwrap_or(1);
            let bounds = |interval: Option<crate::compare::interval::Interval>| interval.map(|it| [it.low, it.high]);
            let speedups =
                series.points.iter().flat_map(|point| bounds(point.speedup_interval).unwrap_or([point.speedup; 2]));
            let (x, y) = if last > MOST_ON_A_LINEAR_AXIS {
                (Axis::log([1.0, last as f64]), Axis::log(speedups.chain([1.0, last as f64])))
            } else {
                (Axis::linear([last as f64]), Axis::linear(speedups.chain([last as f64])))
            };
            let frame = Frame { left: 40..WIDTH as i32 - 14, top: 52..HEIGHT as i32 - 34 };
            frame.draw(area, (&x, &short), (&y, &short))?;
            frame.name_horizontal_axis(area, "ranks")?;
            let text = |words: &str, at: (i32, i32)| {
                Text::new(words.to_owned(), at, letters(Ink::Text, HPos::Left, VPos::Top))
            };
            area.draw(&text(&title, (2, 2)))?;
            area.draw(&text(&law, (2, 17)))?;
            area.draw(&text("speed-up", (2, 34)))?;

            let place = |ranks: f64, speedup: f64| frame.place(&x, &y, (ranks, speedup));
            let curve = |speedup: &dyn Fn(f64) -> f64| -> Vec<(i32, i32)> {
                let at = |piece: u32| (last as f64).powf(f64::from(piece) / f64::from(PIECES));
                let points = (0..=PIECES).map(at).map(|ranks| (ranks, speedup(ranks)));
                // A fraction far below 0 has no speed-up at all on many ranks.
                points.filter(|(_, speedup)| speedup.is_finite() && *speedup > 0.0).map(|(x, y)| place(x, y)).collect()
            };
            area.draw(&PathElement::new(curve(&|ranks| ranks), Ink::Limit.colour().stroke_width(1)))?;
            if let Some(serial) = series.serial {
                let law = |ranks| series.law.speedup(serial, ranks);
                area.draw(&PathElement::new(curve(&law), SERIES.colour().stroke_width(2)))?;
            }
            for point in &series.points {
                let ranks = point.run.ranks as f64;
                if let Some([low, high]) = bounds(point.speedup_interval) {
                    let (bottom, top) = (place(ranks, low), place(ranks, high));
                    area.draw(&Rectangle::new([top, (bottom.0 + 1, bottom.1)], SERIES.colour().filled()))?;
                }
                mark(area, place(ranks, point.speedup), SERIES, kind(point.fitted))?;
            }
            self.legend(area, &frame, series)
        })
    }

    /// What the lines and marks are. It stands at the top left, where only a speed-up above the number of ranks would be.
    fn legend(&self, area: &Area<'_>, frame: &Frame, series: &Series) -> Result<(), Box<dyn std::error::Error>> {
        let (left, mut y) = (frame.left.start + 8, frame.top.start + 10);
        let mut name = |words: &str, draw: &dyn Fn(i32) -> Result<(), Box<dyn std::error::Error>>| {
            draw(y)?;
            area.draw(&Text::new(words.to_owned(), (left + 30, y), letters(Ink::Text, HPos::Left, VPos::Center)))?;
            y += 15;
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        let line = |ink: Ink, width: u32| {
            move |y: i32| -> Result<(), Box<dyn std::error::Error>> {
                Ok(area.draw(&PathElement::new(vec![(left, y), (left + 24, y)], ink.colour().stroke_width(width)))?)
            }
        };
        name("speed-up = number of ranks", &line(Ink::Limit, 1))?;
        if series.serial.is_some() {
            name(
                if series.law == super::fit::Law::Amdahl { "Amdahl's law" } else { "Gustafson's law" },
                &line(SERIES, 2),
            )?;
        }
        for (fitted, words) in [(true, "measured, 95 % interval"), (false, "measured, the ranks share cores")] {
            if series.points.iter().any(|point| point.fitted == fitted) {
                name(words, &|y| mark(area, (left + 12, y), SERIES, kind(fitted)))?;
            }
        }
        Ok(())
    }
}

/// How a point is marked: hollow if the fit does not use it.
fn kind(fitted: bool) -> MarkKind {
    if fitted { MarkKind::Full } else { MarkKind::Ring }
}

#[cfg(test)]
mod tests {
    use ch1_parallel::kernels::Kernel;

    use super::*;
    use crate::scaling::fit::Law;
    use crate::scaling::study::Run;

    fn study(ranks: &[usize]) -> Study {
        let run = |&ranks: &usize| {
            let seconds = [1.0, 1.1].map(|noise| noise / Law::Amdahl.speedup(0.1, ranks as f64)).to_vec();
            Run { ranks, size: 1000, hosts: 1, crowded: ranks > 4, iterations: 3, seconds }
        };
        let series = |law| Series::of(law, Kernel::Count, ranks.iter().map(run).collect(), 42);
        Study { kernel: Kernel::Count, rounds: 2, series: vec![series(Law::Amdahl), series(Law::Gustafson)] }
    }

    #[test]
    fn both_kinds_stand_side_by_side_with_their_laws() {
        let svg = study(&[1, 2, 4, 8]).svg();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n</svg>\n"), "{svg}");
        assert_eq!((svg.matches("<svg ").count(), svg.matches("</svg>").count()), (3, 3), "{svg}");
        for words in
            ["strong scaling of count", "weak scaling of count", "Amdahl's law", "Gustafson's law", "share cores"]
        {
            assert!(svg.contains(words), "{words}: {svg}");
        }
        assert!(svg.contains("serial fraction 0.1000"), "{svg}");
        assert!(!svg.contains("#FA00") && !svg.contains("cannot be drawn"), "{svg}");
        // The fitted points are full, and those that share cores are hollow.
        assert_eq!(svg.matches("<polygon").count(), 2 * (3 + 1), "{svg}");
    }

    #[test]
    fn many_ranks_and_one_rank_are_drawn_too() {
        let many: Vec<usize> = (0..11).map(|power| 1 << power).collect();
        assert!(study(&many).svg().contains("\n1k\n"), "{}", study(&many).svg());
        assert!(study(&[1]).svg().contains("no fit"));
    }
}

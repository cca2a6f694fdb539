//! The forecast as an SVG: speed-up over ranks, and the parts of the time below it. Light and dark, and readable without colour:
//! the largest part of each bar has its letter.

use course::lanes::svg::escape;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Point, Scaling};
use crate::units::{grouped, short};

const WIDTH: i32 = 860;
const HEIGHT: i32 = 470;
/// The width of one of the two halves.
const HALF: i32 = WIDTH / 2;
/// The left and the right end of the plots in a half.
const ENDS: (i32, i32) = (56, HALF - 24);
/// The upper and the lower end of the speed-up, and of the bars.
const UPPER: (i32, i32) = (52, 230);
const LOWER: (i32, i32) = (272, 410);

/// What draws a part. The colours only stand for the classes until the plot is finished.
const CLASSES: [&str; 9] = ["ink", "letter", "grid", "line", "compute", "uneven", "memory", "latency", "bandwidth"];
const LETTERS: [&str; 5] = ["C", "U", "M", "L", "B"];

const STYLE: &str = "<style>
svg{background:#fff;font-family:sans-serif}.ink{fill:#222}.grid{stroke:#bbb;fill:none}.line{stroke:#1a5fb4;fill:#1a5fb4}
.line-stroke{stroke:#1a5fb4;fill:none}.compute{fill:#8cc2ea}.uneven{fill:#d7d7d7}.memory{fill:#f0b35a}.latency{fill:#e58a8a}
.bandwidth{fill:#a6d48a}.letter{fill:#222}
@media(prefers-color-scheme:dark){svg{background:#1b1b1b}.ink{fill:#eee}.grid{stroke:#555}.line{stroke:#7ab8ff;fill:#7ab8ff}
.line-stroke{stroke:#7ab8ff}}
</style>
";

type Area<'svg> = DrawingArea<SVGBackend<'svg>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn colour(class: &str) -> RGBColor {
    let index = CLASSES.iter().position(|name| *name == class).unwrap_or(0);
    RGBColor(250, 0, index as u8)
}

/// The plot of a scaling.
///
/// # Errors
/// It cannot be drawn.
pub fn svg(scaling: &Scaling) -> anyhow::Result<String> {
    let title = format!("Forecast: {}, {} ranks on each node", scaling.kernel, scaling.ranks_per_node);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, HEIGHT as u32)).into_drawing_area();
        let drawn = draw(&area, scaling, &title).and_then(|()| Ok(area.present()?));
        drawn.map_err(|error| anyhow::anyhow!("the plot: {error}"))?;
    }
    Ok(finish(&svg, &title))
}

fn finish(svg: &str, title: &str) -> String {
    let body = svg.split_once(">\n").map_or(svg, |(_, body)| body);
    let mut body = body.replace(" opacity=\"1\"", "").replace(" font-family=\"sans-serif\"", "");
    for class in CLASSES {
        let RGBColor(red, green, blue) = colour(class);
        let hex = format!("#{red:02X}{green:02X}{blue:02X}");
        // A path that is only a line must not be filled.
        let stroke = if class == "line" { "line-stroke" } else { class };
        body = body.replace(&format!("fill=\"none\" stroke=\"{hex}\""), &format!("class=\"{stroke}\""));
        body = body.replace(&format!("stroke=\"{hex}\""), &format!("class=\"{stroke}\""));
        body = body.replace(&format!("fill=\"{hex}\""), &format!("class=\"{class}\""));
    }
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n{STYLE}{body}"
    )
}

fn draw(area: &Area<'_>, scaling: &Scaling, title: &str) -> Drawn {
    text(area, title, (WIDTH / 2, 4), 13.0, (HPos::Center, VPos::Top))?;
    let size = scaling.asked.size;
    for (left, name, points) in [
        (0, format!("strong scaling: size {}", grouped(size)), &scaling.strong),
        (HALF, format!("weak scaling: size {} for one rank", grouped(size)), &scaling.weak),
    ] {
        half(area, left, &name, points)?;
    }
    let mut x = 120;
    for (class, letter, name) in [
        ("compute", "C", "compute"),
        ("uneven", "U", "uneven parts"),
        ("memory", "M", "memory of the node"),
        ("latency", "L", "latency"),
        ("bandwidth", "B", "bandwidth"),
    ] {
        let y = HEIGHT - 22;
        area.draw(&Rectangle::new([(x, y), (x + 14, y + 14)], colour(class).filled()))?;
        text(area, &format!("{letter}: {name}"), (x + 20, y + 7), 11.0, (HPos::Left, VPos::Center))?;
        x += 50 + 8 * name.len() as i32;
    }
    Ok(())
}

fn half(area: &Area<'_>, left: i32, name: &str, points: &[Point]) -> Drawn {
    text(area, name, (left + i32::midpoint(ENDS.0, ENDS.1), 24), 12.0, (HPos::Center, VPos::Top))?;
    let step = f64::from(ENDS.1 - ENDS.0) / points.len().max(1) as f64;
    let x = |index: usize| left + ENDS.0 + (step * (index as f64 + 0.5)) as i32;
    let (low, high) = range(points);
    let y = |speed_up: f64| {
        let part = (speed_up.max(1e-12).log2() - low) / (high - low);
        UPPER.1 - (part.clamp(0.0, 1.0) * f64::from(UPPER.1 - UPPER.0)) as i32
    };
    for power in (low as i32..=high as i32).step_by(2) {
        let value = 2f64.powi(power);
        rule(area, left, y(value))?;
        text(area, &short(value), (left + ENDS.0 - 6, y(value)), 10.0, (HPos::Right, VPos::Center))?;
    }
    text(area, "speed-up", (left + 6, UPPER.0 - 12), 10.0, (HPos::Left, VPos::Center))?;
    let ideal: Vec<_> = points.iter().enumerate().map(|(index, point)| (x(index), y(point.ranks as f64))).collect();
    area.draw(&PathElement::new(ideal, colour("grid").stroke_width(2)))?;
    let places: Vec<_> = points.iter().enumerate().map(|(index, point)| (x(index), y(point.speed_up))).collect();
    area.draw(&PathElement::new(places.clone(), colour("line").stroke_width(2)))?;
    for &(x, y) in &places {
        area.draw(&Rectangle::new([(x - 3, y - 3), (x + 3, y + 3)], colour("line").filled()))?;
    }

    text(area, "parts of the time of an iteration", (left + ENDS.0, LOWER.0 - 12), 10.0, (HPos::Left, VPos::Center))?;
    for percent in [0, 50, 100] {
        let at = LOWER.1 - (LOWER.1 - LOWER.0) * percent / 100;
        rule(area, left, at)?;
        text(area, &format!("{percent} %"), (left + ENDS.0 - 6, at), 10.0, (HPos::Right, VPos::Center))?;
    }
    let width = (step * 0.38) as i32;
    for (index, point) in points.iter().enumerate() {
        let mut bottom = 0.0;
        for ((class, letter), (part_name, seconds)) in CLASSES[4..].iter().zip(LETTERS).zip(point.parts.parts()) {
            let part = seconds / point.seconds.max(1e-300);
            let at = |part: f64| LOWER.1 - (f64::from(LOWER.1 - LOWER.0) * part) as i32;
            let (from, to) = (at(bottom), at(bottom + part));
            area.draw(&Rectangle::new([(x(index) - width, to), (x(index) + width, from)], colour(class).filled()))?;
            if part_name == point.limit {
                text_of(
                    "letter",
                    area,
                    letter,
                    (x(index), i32::midpoint(from, to)),
                    10.0,
                    (HPos::Center, VPos::Center),
                )?;
            }
            bottom += part;
        }
        text(area, &point.ranks.to_string(), (x(index), LOWER.1 + 6), 10.0, (HPos::Center, VPos::Top))?;
    }
    text(area, "ranks", (left + i32::midpoint(ENDS.0, ENDS.1), LOWER.1 + 20), 10.0, (HPos::Center, VPos::Top))
}

/// The logarithms of the ends of the axis of the speed-up.
fn range(points: &[Point]) -> (f64, f64) {
    let all = points.iter().flat_map(|point| [point.ranks as f64, point.speed_up]).map(|value| value.max(1e-3).log2());
    let (low, high) = all.fold((0.0_f64, 1.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    (low.floor(), high.ceil())
}

fn rule(area: &Area<'_>, left: i32, y: i32) -> Drawn {
    let ends = vec![(left + ENDS.0, y), (left + ENDS.1, y)];
    Ok(area.draw(&PathElement::new(ends, colour("grid").stroke_width(1)))?)
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), size: f64, place: (HPos, VPos)) -> Drawn {
    text_of("ink", area, words, at, size, place)
}

fn text_of(class: &str, area: &Area<'_>, words: &str, at: (i32, i32), size: f64, place: (HPos, VPos)) -> Drawn {
    // The plotting library divides sizes of letters by 1.24.
    let style = ("sans-serif", size * 1.24).into_font().color(&colour(class)).pos(Pos::new(place.0, place.1));
    Ok(area.draw(&Text::new(words.to_owned(), at, style))?)
}

#[cfg(test)]
mod tests {
    use ch1_parallel::kernels::Kernel;

    use super::super::model::Question;
    use super::super::parameters::tests::parameters;
    use super::*;

    #[test]
    fn a_plot_has_both_scalings_and_no_colour_in_place_of_a_class() {
        let question = Question { kernel: Kernel::Stencil, size: 4000, grain: 0 };
        let scaling = Scaling::of(&parameters(), &question, 64, 2).unwrap();
        let svg = svg(&scaling).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("#FA00"), "{svg}");
        for words in ["strong scaling: size 4,000", "weak scaling", "\n1024\n", "\nC\n", "\nL\n", "class=\"latency\""] {
            assert!(svg.contains(words), "{words}: {svg}");
        }
    }
}

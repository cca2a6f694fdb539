//! Comparing the pictures of one run with each other.

use std::collections::BTreeMap;

use serde_json::Value;

/// The categories of a trace, which are the classes of an SVG.
const KINDS: [&str; 4] = ["run", "sleep", "wait", "idle"];

/// Compares an SVG with the trace of the same run: each row must draw the time of each kind of state to within one pixel.
///
/// # Errors
/// Where they differ.
pub fn agree(svg: &str, trace: &Value) -> Result<(), String> {
    let rects = rects(svg)?;
    let events: Vec<_> =
        trace["traceEvents"].as_array().ok_or("no events")?.iter().filter(|event| event["ph"] == "X").collect();
    let number = |event: &Value, field: &str| event[field].as_f64().unwrap_or(f64::NAN);
    let end = events.iter().map(|event| number(event, "ts") + number(event, "dur")).fold(0.0, f64::max);
    let begin = events.iter().map(|event| number(event, "ts")).fold(end, f64::min);
    let left = rects.iter().map(|rect| rect.x).fold(f64::INFINITY, f64::min);
    let right = rects.iter().map(|rect| rect.x + rect.width).fold(0.0, f64::max);
    let scale = (right - left) / (end - begin);

    // Rows from top to bottom are the threads of the trace in the order of their numbers.
    let mut drawn: BTreeMap<i64, [f64; 4]> = BTreeMap::new();
    for rect in &rects {
        drawn.entry((rect.y / ROW) as i64).or_default()[rect.kind] += rect.width;
    }
    let mut due: BTreeMap<i64, [f64; 4]> = BTreeMap::new();
    for event in &events {
        let kind = KINDS.iter().position(|kind| event["cat"] == *kind).ok_or("an event of no category")?;
        due.entry(event["tid"].as_i64().ok_or("an event without a row")?).or_default()[kind] +=
            number(event, "dur") * scale;
    }
    if drawn.len() != due.len() {
        return Err(format!("the SVG has {} rows, the trace {}", drawn.len(), due.len()));
    }
    for (row, (drawn, due)) in drawn.values().zip(due.values()).enumerate() {
        for (kind, name) in KINDS.iter().enumerate() {
            if (drawn[kind] - due[kind]).abs() > 1.0 {
                return Err(format!("row {row}, {name}: {:.2} pixels, recorded {:.2}", drawn[kind], due[kind]));
            }
        }
    }
    Ok(())
}

/// The height of a row of an SVG. A `rect` lies within its row, which begins below the heading.
const ROW: f64 = 26.0;
const TOP: f64 = 56.0;

struct Rect {
    kind: usize,
    x: f64,
    y: f64,
    width: f64,
}

fn rects(svg: &str) -> Result<Vec<Rect>, String> {
    svg.lines()
        .filter(|line| line.starts_with("<rect class="))
        .map(|line| {
            let attribute = |name: &str| {
                let value = line.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
                value.ok_or_else(|| format!("no {name}: {line}"))
            };
            let number = |name: &str| attribute(name)?.parse::<f64>().map_err(|error| format!("{error}: {line}"));
            let kind = KINDS.iter().position(|kind| attribute("class") == Ok(kind)).ok_or("an unknown class")?;
            Ok(Rect { kind, x: number("x")?, y: number("y")? - TOP, width: number("width")? })
        })
        .collect()
}

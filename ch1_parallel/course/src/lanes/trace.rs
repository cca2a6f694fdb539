//! The lanes as a trace that Perfetto and chrome://tracing open.
//!
//! The format is the JSON of the Trace Event Format: each stretch is one complete event (`"ph": "X"`), and times are in
//! microseconds since the beginning of the run. The category of an event is `run`, `sleep`, `wait` or `idle`.

use std::fmt::Write;

use serde_json::{Value, json};

use super::State;
use super::picture::Picture;

/// The whole trace as JSON text.
#[must_use]
pub fn draw(picture: &Picture) -> String {
    // Written event by event: a long run has hundreds of thousands.
    let mut text = String::from("{\"displayTimeUnit\":\"ms\",");
    // Writing to a string cannot fail.
    if let Some(remark) = picture.remark() {
        let _ = write!(text, "\"otherData\":{},", json!({"remark": remark}));
    }
    text += "\"traceEvents\":[";
    for (index, row) in picture.rows.iter().enumerate() {
        // Processes of two hosts may have one id, and viewers take process 0 for the idle one.
        let pid = row.rank.map_or(row.process, |rank| rank + 1);
        let tid = index + 1;
        let mut metadata = |name: &str, key: &str, value: Value| {
            let event = json!({"ph": "M", "name": name, "pid": pid, "tid": tid, "args": {key: value}});
            let _ = write!(text, "{event},");
        };
        metadata("process_name", "name", json!(row.process_name));
        metadata("process_sort_index", "sort_index", json!(row.rank.unwrap_or(0)));
        metadata("thread_name", "name", json!(row.name));
        metadata("thread_sort_index", "sort_index", json!(index));
        for stretch in &row.stretches {
            let (name, category, args) = match &*stretch.state {
                State::Absent => continue,
                State::Idle => ("idle", "idle", String::new()),
                State::Run(what) if what.is_empty() => ("runs", "run", String::new()),
                State::Run(what) => (what.as_str(), "run", String::new()),
                State::Sleep { what, place } => (what.as_str(), "sleep", args("sleeps", what, place)),
                State::Wait { on, place } => (on.as_str(), "wait", args("waits for", on, place)),
            };
            // Whole nanoseconds: the sum of the times is exact.
            let micros = |nanos: u64| nanos as f64 / 1e3;
            let (from, length) = (micros(stretch.from - picture.begin), micros(stretch.to - stretch.from));
            let _ = write!(
                text,
                r#"{{"ph":"X","name":{},"cat":"{category}","pid":{pid},"tid":{tid},"ts":{from},"dur":{length},"args":{{{args}}}}},"#,
                quoted(name)
            );
        }
    }
    if text.ends_with(',') {
        text.pop();
    }
    text + "]}"
}

fn args(verb: &str, what: &str, place: &str) -> String {
    format!("\"{verb}\":{},\"at\":{}", quoted(what), quoted(place))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::picture::tests::random_picture;
    use super::*;

    #[test]
    fn the_events_are_the_recorded_stretches() {
        for seed in 0..200 {
            let picture = random_picture(seed);
            let trace: Value = serde_json::from_str(&draw(&picture)).unwrap();
            let events: Vec<_> =
                trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
            for (index, row) in picture.rows.iter().enumerate() {
                for (kind, category) in
                    [(Kind::Run, "run"), (Kind::Sleep, "sleep"), (Kind::Wait, "wait"), (Kind::Idle, "idle")]
                {
                    let own = events.iter().filter(|event| event["tid"] == index + 1 && event["cat"] == category);
                    let drawn: f64 = own.map(|event| event["dur"].as_f64().unwrap()).sum();
                    let due = row.totals().of(kind) * 1e6;
                    assert!((drawn - due).abs() < 1e-3 * (1.0 + due * 1e-6), "seed {seed}: {drawn} for {due}");
                }
            }
        }
    }
}

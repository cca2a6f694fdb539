//! The lanes as a trace that Perfetto and chrome://tracing open.
//!
//! The format is the JSON of the Trace Event Format: one complete event (`"ph": "X"`) a stretch, times in microseconds
//! since the beginning of the run.

use serde_json::{Value, json};

use super::picture::Picture;
use super::record::State;

/// The whole trace as JSON text.
#[must_use]
pub fn draw(picture: &Picture) -> String {
    let mut events: Vec<Value> = Vec::new();
    for (index, row) in picture.rows.iter().enumerate() {
        let (pid, tid) = (row.process, index + 1);
        events.push(
            json!({"ph": "M", "name": "process_name", "pid": pid, "tid": tid, "args": {"name": row.process_name}}),
        );
        events.push(json!({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": row.name}}));
        events.push(
            json!({"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": index}}),
        );
        for stretch in &row.stretches {
            let (name, category, args) = match &stretch.state {
                State::Idle => continue,
                State::Run(what) if what.is_empty() => ("runs", "run", json!({})),
                State::Run(what) => (what.as_str(), "run", json!({})),
                State::Sleep { what, place } => (what.as_str(), "sleep", json!({"sleeps": what, "at": place})),
                State::Wait { on, place } => (on.as_str(), "wait", json!({"waits for": on, "at": place})),
            };
            let since = |at: u64| (at - picture.begin) as f64 / 1e3;
            events.push(json!({
                "ph": "X", "name": name, "cat": category, "pid": pid, "tid": tid,
                "ts": since(stretch.from), "dur": stretch.seconds() * 1e6, "args": args,
            }));
        }
    }
    json!({"traceEvents": events, "displayTimeUnit": "ms"}).to_string()
}

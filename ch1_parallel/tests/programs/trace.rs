//! The trace of a run, from which the tests read what each lane did and when.

use std::collections::HashMap;
use std::fs;

use course::testing::contract::Program;
use serde_json::Value;

/// One stretch of a lane, in which the lane is in one state.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The id of the lane's process.
    pub process: u64,
    /// The name of the lane. The main lane of a process has the name of the process.
    pub lane: String,
    /// `run`, `sleep` or `wait`.
    pub state: String,
    /// What the lane does or waits for.
    pub label: String,
    /// The begin, in microseconds.
    pub from: f64,
    /// The end, in microseconds.
    pub to: f64,
}

impl Stretch {
    /// Whether there is a moment at which both stretches are under way.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// All stretches of a run that must succeed.
pub fn trace(program: &Program, args: &[&str]) -> Vec<Stretch> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lanes.json");
    program.succeeds(&[args, &["--trace", path.to_str().expect("a path in UTF-8")]].concat());
    let trace: Value = serde_json::from_slice(&fs::read(path).expect("the trace is written")).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let text = |value: &Value| value.as_str().expect("text").to_string();
    let row = |event: &Value| (event["pid"].as_u64().expect("an id"), event["tid"].as_u64().expect("a number"));
    let names = |kind: &str| -> HashMap<_, _> {
        let named = events.iter().filter(|event| event["name"] == kind);
        named.map(|event| (row(event), text(&event["args"]["name"]))).collect()
    };
    let (lanes, processes) = (names("thread_name"), names("process_name"));
    let stretch = |event: &Value| {
        let from = event["ts"].as_f64().expect("a time");
        Stretch {
            process: row(event).0,
            lane: if lanes[&row(event)] == "main" { &processes } else { &lanes }[&row(event)].clone(),
            state: text(&event["cat"]),
            label: text(&event["name"]),
            from,
            to: from + event["dur"].as_f64().expect("a time"),
        }
    };
    events.iter().filter(|event| event["ph"] == "X").map(stretch).collect()
}

/// Runs a program until a run has `evidence` in its trace.
///
/// The system decides when a thread or process gets a core, so one run without evidence proves nothing. A program that never
/// does what it says has no evidence in any run.
///
/// # Panics
/// No run of 20 has evidence.
pub fn shows(program: &Program, args: &[&str], evidence: impl Fn(&[Stretch]) -> bool) {
    assert!((0..20).any(|_| evidence(&trace(program, args))), "{program} {args:?}: no run of 20 shows it");
}

/// Whether lanes `one` and `other` run at the same moment. With `within`, this moment lies in a wait of lane `main` with this
/// label.
pub fn run_together(trace: &[Stretch], one: &str, other: &str, within: Option<&str>) -> bool {
    let inside = |stretch: &Stretch| match within {
        None => true,
        Some(label) => trace.iter().any(|wait| {
            let named = (wait.state.as_str(), wait.label.as_str()) == ("wait", label);
            named && wait.from <= stretch.from && stretch.to <= wait.to
        }),
    };
    let runs = |stretch: &Stretch, lane: &str| stretch.lane == lane && stretch.state == "run" && inside(stretch);
    trace
        .iter()
        .filter(|left| runs(left, one))
        .any(|left| trace.iter().any(|right| runs(right, other) && left.overlaps(right)))
}

//! The trace of a run, from which the tests read what each lane did and when.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::contract::Program;

/// A time in which a lane was in one state.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The id of the lane's process, or the number of the rank and 1.
    pub process: u64,
    /// The name of the lane. The main lane of a process has the name of the process.
    pub lane: String,
    /// `run`, `sleep` or `wait`.
    pub state: String,
    /// What the lane did or waited for.
    pub label: String,
    /// The begin, in microseconds.
    pub from: f64,
    /// The end, in microseconds.
    pub to: f64,
}

impl Stretch {
    /// Whether there is a moment that lies in both stretches.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// All stretches of a run that must succeed.
pub fn stretches(program: &Program, args: &[&str]) -> Vec<Stretch> {
    traced(program, args, read)
}

fn traced<T>(program: &Program, args: &[&str], read: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lanes.json");
    program.succeeds(&[args, &["--trace", path.to_str().expect("a path in UTF-8")]].concat());
    read(&path)
}

/// Which lane spawned or woke which, in a run that must succeed: the name of the arrow, where it begins and where it ends.
pub fn arrows(program: &Program, args: &[&str]) -> Vec<[String; 3]> {
    let trace = traced(program, args, parsed);
    let events = trace["traceEvents"].as_array().expect("events");
    let text = |value: &Value| value.as_str().expect("text").to_string();
    let begins = events.iter().filter(|event| event["cat"] == "wake" && event["ph"] == "s");
    begins.map(|it| [text(&it["name"]), text(&it["args"]["by"]), text(&it["args"]["polled"])]).collect()
}

fn parsed(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the trace is written")).expect("JSON")
}

/// All stretches in a file that `--trace` has written.
#[must_use]
pub fn read(path: &Path) -> Vec<Stretch> {
    let trace = parsed(path);
    let events = trace["traceEvents"].as_array().expect("events");
    let text = |value: &Value| value.as_str().expect("text").to_string();
    let row = |event: &Value| (event["pid"].as_u64().expect("an id"), event["tid"].as_u64().expect("a number"));
    let names = |kind: &str| -> HashMap<_, _> {
        let named = events.iter().filter(|event| event["name"] == kind && event["ph"] == "M");
        named.map(|event| (row(event), text(&event["args"]["name"]))).collect()
    };
    let (lanes, processes) = (names("thread_name"), names("process_name"));
    let name = |event: &Value| {
        let lane = &lanes[&row(event)];
        if lane == "main" { processes.get(&row(event)).unwrap_or(lane) } else { lane }.clone()
    };
    let stretch = |event: &Value| {
        let from = event["ts"].as_f64().expect("a time");
        let to = from + event["dur"].as_f64().expect("a time");
        let (state, label) = (text(&event["cat"]), text(&event["name"]));
        Stretch { process: row(event).0, lane: name(event), state, label, from, to }
    };
    events.iter().filter(|event| event["ph"] == "X").map(stretch).collect()
}

/// Compares what a program says after Ctrl-C with the trace that it then writes: a lane of the trace did what a line says. A process
/// may also have no lane at this moment: its lane has not begun, or has ended.
///
/// # Errors
/// The line for which there is no such lane.
pub fn agree(said: &str, stretches: &[Stretch]) -> Result<(), String> {
    let names_a_lane = |line: &&str| !line.ends_with(" lanes more") && !line.ends_with(" and has no lane");
    for line in said.lines().filter(names_a_lane) {
        let does = line.strip_prefix("interrupted: ").and_then(|line| line.split_once(" since "));
        let (does, _) = does.ok_or_else(|| format!("not a report: {line}"))?;
        let is = |stretch: &Stretch| {
            let did = match (stretch.state.as_str(), stretch.label.as_str()) {
                ("wait", label) => format!("waits for {label}"),
                ("sleep", label) => format!("sleeps ({label})"),
                ("idle", _) => "is idle".into(),
                (_, "runs") => "runs".into(),
                (_, label) => format!("runs ({label})"),
            };
            // The main lane has the name of its process here.
            let name = does.strip_suffix(&did).and_then(|name| name.strip_suffix(' '));
            name.is_some_and(|name| {
                name == "main" || name == stretch.lane || name.ends_with(&format!("/{}", stretch.lane))
            })
        };
        if !stretches.iter().any(is) {
            return Err(format!("the trace has no such lane: {line}"));
        }
    }
    Ok(())
}

/// The stretches in this state, of all lanes.
#[must_use]
pub fn in_state(state: &str, stretches: &[Stretch]) -> Vec<Stretch> {
    stretches.iter().filter(|stretch| stretch.state == state).cloned().collect()
}

/// The stretches of this lane that are in this state.
#[must_use]
pub fn of<'a>(stretches: &'a [Stretch], lane: &str, state: &str) -> Vec<&'a Stretch> {
    stretches.iter().filter(|stretch| stretch.lane == lane && stretch.state == state).collect()
}

/// The time from the begin to the end of this lane.
///
/// # Panics
/// There is no such lane.
#[must_use]
pub fn life(stretches: &[Stretch], lane: &str) -> Stretch {
    let own = || stretches.iter().filter(|stretch| stretch.lane == lane);
    let mut life = own().next().unwrap_or_else(|| panic!("{lane} has no lane: {stretches:?}")).clone();
    life.from = own().map(|stretch| stretch.from).fold(f64::MAX, f64::min);
    life.to = own().map(|stretch| stretch.to).fold(0.0, f64::max);
    life
}

/// The [`life`] of each lane whose name begins with `prefix`.
#[must_use]
pub fn lives(stretches: &[Stretch], prefix: &str) -> Vec<Stretch> {
    let lanes: BTreeSet<_> = stretches.iter().map(|stretch| stretch.lane.as_str()).collect();
    lanes.into_iter().filter(|lane| lane.starts_with(prefix)).map(|lane| life(stretches, lane)).collect()
}

/// The largest number of stretches that contain the same moment.
#[must_use]
pub fn most_at_once(stretches: &[Stretch]) -> usize {
    let at = |moment: f64| stretches.iter().filter(|other| (other.from..other.to).contains(&moment)).count();
    stretches.iter().map(|stretch| at(stretch.from)).max().unwrap_or(0)
}

/// Checks that there was a moment at which all these lanes were alive.
///
/// # Panics
/// There was none.
pub fn were_alive_together(stretches: &[Stretch], lanes: &[&str]) {
    let lives: Vec<_> = lanes.iter().map(|lane| life(stretches, lane)).collect();
    assert_eq!(most_at_once(&lives), lanes.len(), "{lanes:?} were never alive together: {lives:?}");
}

/// Checks that each lane slept `count` times, for at least `microseconds` each.
///
/// # Panics
/// A lane did not.
pub fn slept(stretches: &[Stretch], lanes: &[&str], count: usize, microseconds: f64) {
    for lane in lanes {
        let sleeps = of(stretches, lane, "sleep");
        assert_eq!(sleeps.len(), count, "{lane}: {sleeps:?}");
        for sleep in sleeps {
            // The times are sums of rounded numbers.
            assert!(sleep.to - sleep.from > microseconds - 1.0, "{lane}: {sleep:?}");
        }
    }
}

/// Runs a program until a run has `evidence` in its trace.
///
/// The system decides when a thread or process gets a core, so one run without evidence proves nothing. A program that never
/// does what it says has no evidence in any run.
///
/// # Panics
/// No run of 20 has evidence.
pub fn shows(program: &Program, args: &[&str], evidence: impl Fn(&[Stretch]) -> bool) {
    assert!((0..20).any(|_| evidence(&stretches(program, args))), "{program} {args:?}: no run of 20 shows it");
}

/// Whether lanes `one` and `other` run at the same moment. With `within`, this moment lies in a wait for `within`.
#[must_use]
pub fn run_together(stretches: &[Stretch], one: &str, other: &str, within: Option<&str>) -> bool {
    let inside = |stretch: &Stretch| match within {
        None => true,
        Some(label) => stretches.iter().any(|wait| {
            let named = (wait.state.as_str(), wait.label.as_str()) == ("wait", label);
            named && wait.from <= stretch.from && stretch.to <= wait.to
        }),
    };
    let runs = |lane: &str| -> Vec<_> { of(stretches, lane, "run").into_iter().filter(|run| inside(run)).collect() };
    let (one, other) = (runs(one), runs(other));
    one.iter().any(|left| other.iter().any(|right| left.overlaps(right)))
}

//! The chapter's programs, run as programs.

mod background;
mod background_daemon;
mod endings;
mod pipe;
mod process_barrier;
mod process_kill;
mod process_lock;
mod process_names;
mod process_pool;
mod process_queue;
mod process_semaphore;
mod process_spawn;
mod process_spawn_module;
mod process_struct;
mod shared_memory;

use std::collections::HashMap;

use course::testing::contract::Program;
use serde_json::Value;

/// What `part` finds in the lines of `output`, in their order.
fn items<'a>(output: &'a str, part: impl Fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    output.lines().filter_map(part).collect()
}

/// The numbers of the lines that begin with these words, in their order.
fn numbers_after(output: &str, words: &str) -> Vec<u32> {
    items(output, |line| line.strip_prefix(words)).iter().filter_map(|number| number.parse().ok()).collect()
}

/// Checks that the chart has these lanes and no others: a lane for the parent and one for each child.
fn has_lanes(program: &Program, args: &[&str], lanes: &[&str]) {
    let output = program.succeeds(&[args, &["--timeline"]].concat());
    let (_, chart) = output.split_once("a column is").expect("a chart");
    for lane in lanes {
        let wanted = lanes.iter().filter(|other| *other == lane).count();
        let found = chart.lines().filter(|line| line.starts_with(&format!("{lane}  "))).count();
        assert_eq!(found, wanted, "{program}: {lane}: {output}");
    }
    // Below the lanes may stand, in parentheses, what could not be drawn.
    let lines = chart.lines().filter(|line| !line.is_empty() && !line.starts_with('(')).count();
    assert_eq!(lines - 1, lanes.len(), "{program} has other lanes: {output}");
}

/// What a process did for a while, from the trace of a run. Times are in microseconds.
#[derive(Debug)]
struct Stretch {
    process: String,
    /// `run`, `sleep` or `wait`.
    state: String,
    label: String,
    from: f64,
    to: f64,
}

/// What all processes of a run did, in no certain order.
fn stretches(program: &Program, args: &[&str]) -> Vec<Stretch> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trace.json");
    program.succeeds(&[args, &["--trace", file.to_str().expect("a plain path")]].concat());
    let trace: Value = serde_json::from_slice(&std::fs::read(file).expect("a trace")).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let named = events.iter().filter(|event| event["name"] == "process_name");
    let names: HashMap<_, _> = named.map(|event| (event["pid"].as_u64(), event["args"]["name"].as_str())).collect();
    let text = |value: &Value| value.as_str().expect("a text").to_string();
    let stretch = |event: &Value| {
        let (from, duration) = (event["ts"].as_f64().expect("a time"), event["dur"].as_f64().expect("a time"));
        let process = names[&event["pid"].as_u64()].expect("a name").to_string();
        Stretch { process, state: text(&event["cat"]), label: text(&event["name"]), from, to: from + duration }
    };
    events.iter().filter(|event| event["ph"] == "X").map(stretch).collect()
}

/// The stretches of this process that are in this state.
fn of<'a>(stretches: &'a [Stretch], process: &str, state: &str) -> Vec<&'a Stretch> {
    stretches.iter().filter(|stretch| stretch.process == process && stretch.state == state).collect()
}

/// When this process began and ended.
fn life(stretches: &[Stretch], process: &str) -> (f64, f64) {
    let own = || stretches.iter().filter(|stretch| stretch.process == process);
    assert!(own().next().is_some(), "{process} has no lane");
    (own().map(|stretch| stretch.from).fold(f64::MAX, f64::min), own().map(|stretch| stretch.to).fold(0.0, f64::max))
}

/// Checks that there was a moment at which all these processes were alive.
fn were_alive_together(stretches: &[Stretch], processes: &[&str]) {
    let lives: Vec<_> = processes.iter().map(|process| life(stretches, process)).collect();
    let last_began = lives.iter().map(|life| life.0).fold(0.0, f64::max);
    let first_ended = lives.iter().map(|life| life.1).fold(f64::MAX, f64::min);
    assert!(last_began < first_ended, "{processes:?} were never alive together: {lives:?}");
}

/// Checks that each process slept `count` times, for at least `microseconds` each.
fn slept(stretches: &[Stretch], processes: &[&str], count: usize, microseconds: f64) {
    for process in processes {
        let sleeps = of(stretches, process, "sleep");
        assert_eq!(sleeps.len(), count, "{process}: {sleeps:?}");
        for sleep in sleeps {
            // The times are sums of rounded numbers.
            assert!(sleep.to - sleep.from > microseconds - 1.0, "{process}: {sleep:?}");
        }
    }
}

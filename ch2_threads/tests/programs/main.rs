//! The chapter's programs, run as programs.

mod barrier;
mod condition;
mod event;
mod lock_held;
mod lock_released_early;
mod queue;
mod rlock;
mod semaphore_signal;
mod thread_ids;
mod thread_names;
mod thread_spawn;
mod thread_struct;

use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use course::program;
use course::testing::contract::Program;
use serde_json::Value;

/// Runs a program with so little address space that it cannot have 400 threads. It must end with an error in one line.
///
/// A stack needs more memory than everything else that a thread allocates. So where no other stack fits, the threads that
/// run already still have room.
fn fails_for_want_of_threads(path: &str, flag: &str) {
    let mut command = Command::new("sh");
    command.env("RUST_MIN_STACK", (256 << 20).to_string());
    command.args(["-c", "ulimit -v 4000000 && exec \"$0\" \"$1\" 400", path, flag]);
    let finished = program::run(&mut command, Duration::from_secs(60)).expect("the program starts");
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("error: starting a thread: "), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
}

#[test]
fn a_thread_that_cannot_be_spawned_is_an_error_and_no_hang() {
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_barrier"), "--runners");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_condition"), "--consumers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_lock_released_early"), "--workers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_queue"), "--consumers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_thread_ids"), "--workers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_thread_names"), "--workers");
    fails_for_want_of_threads(env!("CARGO_BIN_EXE_thread_spawn"), "--workers");
}

/// What `item` finds in the lines of the output, in their order.
fn items<'a>(output: &'a str, item: impl Fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    output.lines().filter_map(item).collect()
}

/// A time in which a lane did one thing, as `--trace` writes it.
#[derive(Clone, Debug)]
struct Stretch {
    lane: String,
    /// "run", "sleep" or "wait".
    category: String,
    /// What the lane slept or waited for.
    label: String,
    begin: f64,
    end: f64,
}

/// Runs a program with `--trace` and returns what its lanes did.
fn trace(program: &Program, args: &[&str]) -> Vec<Stretch> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trace.json");
    program.succeeds(&[args, &["--trace", file.to_str().expect("a plain path")]].concat());
    let trace: Value = serde_json::from_slice(&fs::read(file).expect("the trace is written")).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let text = |value: &Value| value.as_str().expect("a text").to_string();
    let lane = |event: &Value| (event["pid"].to_string(), event["tid"].to_string());
    let names = events.iter().filter(|event| event["name"] == "thread_name" && event["ph"] == "M");
    let names: HashMap<_, _> = names.map(|event| (lane(event), text(&event["args"]["name"]))).collect();
    let stretches = events.iter().filter(|event| event["ph"] == "X");
    let stretch = |event: &Value| {
        let begin = event["ts"].as_f64().expect("a time");
        let end = begin + event["dur"].as_f64().expect("a time");
        let lane = names[&lane(event)].clone();
        Stretch { lane, category: text(&event["cat"]), label: text(&event["name"]), begin, end }
    };
    stretches.map(stretch).collect()
}

/// The stretches of one category, such as all sleeps.
fn only(category: &str, mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|stretch| stretch.category == category);
    stretches
}

/// For each lane whose name begins with `prefix` the stretch from its beginning to its end.
fn lives(prefix: &str, stretches: &[Stretch]) -> Vec<Stretch> {
    let mut lives: HashMap<&str, Stretch> = HashMap::new();
    for stretch in stretches.iter().filter(|stretch| stretch.lane.starts_with(prefix)) {
        let life = lives.entry(&stretch.lane).or_insert_with(|| stretch.clone());
        (life.begin, life.end) = (life.begin.min(stretch.begin), life.end.max(stretch.end));
    }
    lives.into_values().collect()
}

/// The largest number of stretches that contain the same moment.
fn most_at_once(stretches: &[Stretch]) -> usize {
    let at = |moment: f64| stretches.iter().filter(|other| (other.begin..other.end).contains(&moment)).count();
    stretches.iter().map(|stretch| at(stretch.begin)).max().unwrap_or(0)
}

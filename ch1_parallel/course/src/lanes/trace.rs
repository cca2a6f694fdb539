//! The lanes as a trace that Perfetto and chrome://tracing open.
//!
//! The format is the JSON of the Trace Event Format: each stretch is one complete event (`"ph": "X"`), and times are in
//! microseconds since the beginning of the run. The category of an event is `run`, `sleep`, `wait` or `idle`. The end of a
//! process that was killed is an instant event with the name `killed`.
//!
//! Arrows (flow events) go from a send to its receive (`message`), from the lane that spawns a task to the first poll of the task
//! (`spawns`), and from the lane that wakes another to the poll that follows (`wakes`). A wake that comes from no lane is an
//! instant event with the name `woken`.

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
    let left_out = (picture.wakes.left_out > 0).then(|| format!("{} wakes were not recorded", picture.wakes.left_out));
    let remarks: Vec<_> = picture.remark().into_iter().chain(left_out).collect();
    if !remarks.is_empty() {
        let _ = write!(text, "\"otherData\":{},", json!({"remark": remarks.join("; ")}));
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
        if let (true, Some(last)) = (row.cut, row.stretches.last()) {
            let at = (last.to - picture.begin) as f64 / 1e3;
            let _ = write!(text, r#"{{"ph":"i","s":"t","name":"killed","pid":{pid},"tid":{tid},"ts":{at}}},"#);
        }
    }
    exchange(&mut text, picture);
    wakes(&mut text, picture);
    if text.ends_with(',') {
        text.pop();
    }
    text + "]}"
}

/// The process and the thread of a row, as the trace numbers them.
fn place(picture: &Picture, row: usize) -> (u32, usize) {
    (picture.rows[row].rank.map_or(picture.rows[row].process, |rank| rank + 1), row + 1)
}

fn micros(picture: &Picture, at: u64) -> f64 {
    at.saturating_sub(picture.begin) as f64 / 1e3
}

/// An arrow begins where one lane does something for another, and ends where the other lane has it.
fn wakes(text: &mut String, picture: &Picture) {
    for (index, wake) in picture.wakes.all.iter().enumerate() {
        let name = if wake.spawned { "spawns" } else { "wakes" };
        let event = |phase: &str, row: usize, at: u64| {
            let (pid, tid) = place(picture, row);
            json!({"ph": phase, "name": name, "cat": "wake", "pid": pid, "tid": tid, "ts": micros(picture, at)})
        };
        let Some(by) = wake.by else {
            let mut woken = event("i", wake.woken, wake.polled);
            woken["s"] = json!("t");
            woken["name"] = json!("woken");
            woken["args"] = json!({"by": "no lane", "since": micros(picture, wake.at)});
            let _ = write!(text, "{woken},");
            continue;
        };
        let args = json!({"by": picture.rows[by].name, "polled": picture.rows[wake.woken].name});
        for mut event in [event("s", by, wake.at), event("f", wake.woken, wake.polled)] {
            // Behind the numbers of the messages.
            event["id"] = json!(picture.exchange.messages.len() + index + 1);
            event["args"] = args.clone();
            if event["ph"] == "f" {
                event["bp"] = json!("e");
            }
            let _ = write!(text, "{event},");
        }
    }
}

/// Messages are arrows (flow events), and a call that ranks made together is an event of each of them.
fn exchange(text: &mut String, picture: &Picture) {
    let place = |row: usize| place(picture, row);
    let micros = |at: u64| micros(picture, at);
    for (id, message) in picture.exchange.messages.iter().enumerate() {
        for (phase, row, at) in [("s", message.from, message.sent), ("f", message.to, message.received)] {
            let (pid, tid) = place(row);
            let args = json!({"bytes": message.bytes, "tag": message.tag});
            let mut event = json!({"ph": phase, "id": id + 1, "name": "message", "cat": "message", "pid": pid, "tid": tid,
                "ts": micros(at), "args": args});
            if phase == "f" {
                event["bp"] = json!("e");
            }
            let _ = write!(text, "{event},");
        }
    }
    for (number, meeting) in picture.exchange.meetings.iter().enumerate() {
        for &(row, from, to) in &meeting.ranks {
            let (pid, tid) = place(row);
            for (phase, at) in [("b", from), ("e", to)] {
                let event = json!({"ph": phase, "id": format!("meeting {number} of row {row}"), "name": meeting.what,
                    "cat": "collective", "pid": pid, "tid": tid, "ts": micros(at), "args": {"number": number}});
                let _ = write!(text, "{event},");
            }
        }
    }
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
    use super::super::picture::tests::{random_picture, ranks_picture, small_picture};
    use super::*;

    #[test]
    fn a_small_trace_names_lanes_labels_places_and_the_killed_process() {
        let trace: Value = serde_json::from_str(&draw(&small_picture())).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let of = |name: &str| events.iter().filter(|event| event["name"] == name).cloned().collect::<Vec<_>>();
        let killed = json!({"ph": "i", "s": "t", "name": "killed", "pid": 8, "tid": 3, "ts": 6_000_000});
        assert_eq!(of("killed"), [killed]);
        let args = json!({"waits for": "a place & more", "at": "a.rs:2"});
        let wait = json!({"ph": "X", "name": "a place & more", "cat": "wait", "pid": 7, "tid": 1, "ts": 8_000_000, "dur": 500_000,
            "args": args});
        assert_eq!(of("a place & more"), [wait]);
        assert_eq!(of("work")[0]["args"], json!({"sleeps": "work", "at": "b.rs:2"}));
        assert_eq!((of("idle").len(), of("idle")[0]["cat"].as_str()), (1, Some("idle")));
        let named = |name: &str| of(name).iter().map(|event| event["args"]["name"].clone()).collect::<Vec<_>>();
        assert_eq!(named("process_name"), ["parent", "parent", "child"]);
        assert_eq!(named("thread_name"), ["main", "a recurring task of the parent", "main"]);
        assert_eq!(
            of("thread_sort_index").iter().map(|it| it["args"]["sort_index"].clone()).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert!(trace["otherData"]["remark"].as_str().is_some_and(|remark| remark.starts_with("3 changes")), "{trace}");
    }

    #[test]
    fn messages_are_flows_from_the_send_to_the_receive() {
        let trace: Value = serde_json::from_str(&draw(&ranks_picture())).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let of = |phase: &str| -> Vec<_> {
            let own = events.iter().filter(|event| event["ph"] == phase);
            own.map(|it| (it["id"].as_u64(), it["pid"].as_u64(), it["ts"].as_f64(), it["args"]["tag"].as_i64()))
                .collect()
        };
        let at = |id, pid, ms: f64, tag| (Some(id), Some(pid), Some(ms * 1e3), Some(tag));
        assert_eq!(of("s"), [at(1, 1, 10.0, 5), at(2, 1, 11.0, 6)]);
        assert_eq!(of("f"), [at(1, 2, 40.0, 5), at(2, 2, 30.0, 6)]);
        assert_eq!((of("b").len(), of("e").len()), (2, 2));
    }

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

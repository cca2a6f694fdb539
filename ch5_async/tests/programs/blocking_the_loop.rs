use course::testing::contract::Program;
use course::testing::traces::{self, Stretch, in_state, most_at_once, of, shows, stretches};

/// What it promises as a hazard is tested with the other hazards.
pub const BLOCKING_THE_LOOP: Program = Program {
    path: env!("CARGO_BIN_EXE_blocking_the_loop"),
    source: "src/bin/blocking_the_loop.rs",
    bad: &[
        &["--tasks", "0"],
        &["--tasks", "401"],
        &["--tasks", "some"],
        &["--tasks", "-1"],
        &["--repaired", "1"],
        &["--repaired=no"],
    ],
    long: &["--pace", "100", "--repaired"],
};

/// The beats during each sleep, for each way in the order of the output.
fn beats(output: &str) -> Vec<(&str, Vec<u64>)> {
    let mut ways: Vec<(&str, Vec<u64>)> = Vec::new();
    for line in output.lines() {
        if let Some((way, _)) = line.split_once(": beats: ") {
            ways.push((way, Vec::new()));
        } else if let Some((_, beats)) =
            line.strip_prefix("  beats during a sleep of ").and_then(|line| line.split_once(": "))
        {
            ways.last_mut().expect("a way").1.push(beats.parse().expect("a number"));
        }
    }
    ways
}

/// The sleeps with this label in lanes whose names begin with `lane`.
fn sleeps(stretches: &[Stretch], lane: &str, label: &str) -> Vec<Stretch> {
    let is = |stretch: &Stretch| stretch.lane.starts_with(lane) && stretch.label == label;
    in_state("sleep", stretches).into_iter().filter(is).collect()
}

#[test]
fn every_blocking_call_is_reported() {
    for tasks in [1, 2, 3, 70] {
        let finished = BLOCKING_THE_LOOP.run(&["--tasks", &tasks.to_string(), "--pace", "0.01"]);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:?}");
        let calls: Vec<_> = finished.stderr.lines().filter(|line| line.starts_with("  task ")).collect();
        assert_eq!(calls.len(), tasks, "{finished:?}");
        for (number, call) in (1..).zip(calls) {
            assert!(call.starts_with(&format!("  task {number} blocked the thread for at least ")), "{call}");
            assert!(call.ends_with(&format!(" other tasks that were ready: {}", tasks - number)), "{call}");
        }
    }
}

#[test]
fn a_program_without_a_blocking_call_does_not_fail() {
    let output = BLOCKING_THE_LOOP.succeeds(&["--pace", "0"]);
    assert!(output.starts_with("no call blocked the event loop: "), "{output}");
    BLOCKING_THE_LOOP.succeeds(&["--pace", "0", "--repaired"]);
}

#[test]
fn the_heartbeat_runs_during_an_async_sleep() {
    for tasks in [1, 2, 3, 70] {
        let text = tasks.to_string();
        let output = BLOCKING_THE_LOOP.succeeds(&["--repaired", "--tasks", &text, "--pace", "0.01"]);
        let ways = beats(&output);
        let names: Vec<_> = ways.iter().map(|(way, _)| *way).collect();
        assert_eq!(names, ["Async", "SpawnBlocking"], "{output}");
        assert!(ways.iter().all(|(_, beats)| beats.len() == tasks), "{output}");
        assert!(ways[0].1.iter().all(|&beats| beats > 0), "{output}");
        let price = output.lines().last().and_then(|line| line.strip_prefix("spawn_blocking takes "));
        assert!(price.is_some_and(|price| price.ends_with("s for each call, and a thread while the call blocks")));
    }
}

#[test]
fn the_beats_are_counted_and_the_latest_is_not_earlier_than_the_median() {
    let output = BLOCKING_THE_LOOP.succeeds(&["--repaired", "--pace", "0.01"]);
    let heads: Vec<_> = output.lines().filter_map(|line| line.split_once(": beats: ")).collect();
    let sleeps = beats(&output);
    assert_eq!(heads.len(), 2, "{output}");
    for ((_, head), (_, during)) in heads.into_iter().zip(sleeps) {
        let late = |part: &str| {
            let part = part.strip_prefix("late by ").unwrap_or(part).split(' ').next().expect("a time");
            let digits = part.trim_end_matches(|it: char| !it.is_ascii_digit());
            let unit = ["s", "ms", "µs", "ns"].iter().position(|unit| part[digits.len()..] == **unit).expect("a unit");
            digits.parse::<f64>().expect("a number") / 1000_f64.powi(unit as i32)
        };
        let parts: Vec<_> = head.split(", ").collect();
        let all: u64 = parts[0].parse().expect("a number");
        assert!(during.iter().all(|&beats| beats <= all), "{output}");
        assert!(late(parts[1]) <= late(parts[2]), "{output}");
    }
}

#[test]
fn the_seed_decides_the_sleeps() {
    let pauses = |seed| {
        let output = BLOCKING_THE_LOOP.succeeds(&["--repaired", "--seed", seed]);
        let lines = output.lines().filter_map(|line| line.strip_prefix("  beats during a sleep of "));
        lines.map(|line| line.split(':').next().expect("a pause").to_string()).collect::<Vec<_>>()
    };
    let first = pauses("5");
    assert_eq!(first.len(), 6);
    assert_eq!(first[..3], first[3..], "each way has the same sleeps");
    assert_eq!(first, pauses("5"));
    assert_ne!(first, pauses("6"));
}

#[test]
fn blocking_sleeps_come_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lanes.json");
    let finished = BLOCKING_THE_LOOP.run(&["--trace", path.to_str().expect("a path in UTF-8")]);
    assert_eq!(finished.code(), Some(3), "{finished:?}");
    let stretches = traces::read(&path);
    let blocking = sleeps(&stretches, "task ", "blocking sleep");
    assert_eq!((blocking.len(), most_at_once(&blocking)), (3, 1), "{blocking:?}");
    // The loop polls no task while a task blocks, so the heartbeat sleeps from before the first such sleep to after the last.
    let from = blocking.iter().map(|sleep| sleep.from).fold(f64::MAX, f64::min);
    let to = blocking.iter().map(|sleep| sleep.to).fold(0.0, f64::max);
    let heartbeat = of(&stretches, "heartbeat", "sleep");
    assert!(heartbeat.iter().any(|sleep| sleep.from <= from && to <= sleep.to), "{heartbeat:?}");
}

#[test]
fn repaired_tasks_give_their_sleeps_to_the_timer_or_to_other_threads() {
    let stretches = stretches(&BLOCKING_THE_LOOP, &["--repaired"]);
    assert_eq!(sleeps(&stretches, "task ", "blocking sleep").len(), 0, "{stretches:?}");
    assert_eq!(sleeps(&stretches, "task ", "async sleep").len(), 3, "{stretches:?}");
    assert_eq!(sleeps(&stretches, "thread ", "blocking sleep").len(), 3, "{stretches:?}");
    for task in ["task 1", "task 2", "task 3"] {
        let waits = of(&stretches, task, "wait");
        assert!(waits.iter().any(|wait| wait.label == "spawn_blocking"), "{task}: {waits:?}");
    }
}

#[test]
fn repaired_sleeps_come_at_the_same_time() {
    for (lane, label) in [("task ", "async sleep"), ("thread ", "blocking sleep")] {
        let at_once = |stretches: &[Stretch]| most_at_once(&sleeps(stretches, lane, label)) == 3;
        shows(&BLOCKING_THE_LOOP, &["--repaired"], at_once);
    }
}

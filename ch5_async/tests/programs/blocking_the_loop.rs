use course::testing::contract::Program;
use course::testing::traces::{Stretch, in_state, most_at_once, of, shows, stretches};

const BLOCKING_THE_LOOP: Program = Program {
    path: env!("CARGO_BIN_EXE_blocking_the_loop"),
    source: "src/bin/blocking_the_loop.rs",
    bad: &[&["--tasks", "0"], &["--tasks", "401"], &["--tasks", "some"], &["--tasks", "-1"]],
    long: &["--pace", "100"],
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
fn keeps_its_promises() {
    BLOCKING_THE_LOOP.keeps_its_promises();
}

#[test]
fn the_heartbeat_runs_during_an_async_sleep_and_not_during_a_blocking_one() {
    for tasks in [1, 2, 3, 70] {
        let text = tasks.to_string();
        let output = BLOCKING_THE_LOOP.succeeds(&["--tasks", &text, "--pace", "0.01"]);
        let ways = beats(&output);
        let names: Vec<_> = ways.iter().map(|(way, _)| *way).collect();
        assert_eq!(names, ["Blocking", "Async", "SpawnBlocking"], "{output}");
        assert!(ways.iter().all(|(_, beats)| beats.len() == tasks), "{output}");
        assert!(ways[0].1.iter().all(|&beats| beats == 0), "{output}");
        assert!(ways[1].1.iter().all(|&beats| beats > 0), "{output}");
    }
}

#[test]
fn the_seed_decides_the_sleeps() {
    let pauses = |seed| {
        let output = BLOCKING_THE_LOOP.succeeds(&["--seed", seed]);
        let lines = output.lines().filter_map(|line| line.strip_prefix("  beats during a sleep of "));
        lines.map(|line| line.split(':').next().expect("a pause").to_string()).collect::<Vec<_>>()
    };
    let first = pauses("5");
    assert_eq!(first.len(), 9);
    assert_eq!(first[..3], first[3..6], "each way has the same sleeps");
    assert_eq!(first, pauses("5"));
    assert_ne!(first, pauses("6"));
}

#[test]
fn blocking_sleeps_come_one_after_the_other() {
    let stretches = stretches(&BLOCKING_THE_LOOP, &[]);
    let blocking = sleeps(&stretches, "task ", "blocking sleep");
    assert_eq!((blocking.len(), most_at_once(&blocking)), (3, 1), "{blocking:?}");
    // The loop polls no task while a task blocks, so the heartbeat sleeps from before the first such sleep to after the last.
    let from = blocking.iter().map(|sleep| sleep.from).fold(f64::MAX, f64::min);
    let to = blocking.iter().map(|sleep| sleep.to).fold(0.0, f64::max);
    let heartbeat = of(&stretches, "heartbeat", "sleep");
    assert!(heartbeat.iter().any(|sleep| sleep.from <= from && to <= sleep.to), "{heartbeat:?}");
    // The tasks give the third kind of sleep to other threads, and wait.
    assert_eq!(sleeps(&stretches, "task ", "async sleep").len(), 3, "{stretches:?}");
    assert_eq!(sleeps(&stretches, "thread ", "blocking sleep").len(), 3, "{stretches:?}");
    for task in ["task 1", "task 2", "task 3"] {
        let waits = of(&stretches, task, "wait");
        assert!(waits.iter().any(|wait| wait.label == "spawn_blocking"), "{task}: {waits:?}");
    }
}

#[test]
fn the_other_sleeps_come_at_the_same_time() {
    for (lane, label) in [("task ", "async sleep"), ("thread ", "blocking sleep")] {
        shows(&BLOCKING_THE_LOOP, &[], |stretches| most_at_once(&sleeps(stretches, lane, label)) == 3);
    }
}

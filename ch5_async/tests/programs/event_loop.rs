use course::testing::contract::Program;
use course::testing::traces::{arrows, of, stretches};

const EVENT_LOOP: Program = Program {
    path: env!("CARGO_BIN_EXE_event_loop"),
    source: "src/bin/event_loop.rs",
    bad: &[&["--seconds", "long"], &["--seconds", "-1"], &["--seconds", "3601"], &["--seconds", "1.5"]],
    long: &["--pace", "100"],
};

/// The lines that say which task was called and how long it pauses.
fn calls(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.contains(" called, pauses ")).collect()
}

#[test]
fn keeps_its_promises() {
    EVENT_LOOP.keeps_its_promises();
}

#[test]
fn tasks_call_each_other_in_turn() {
    let output = EVENT_LOOP.succeeds(&["--pace", "0.01", "--seconds", "120"]);
    let calls = calls(&output);
    assert!(calls.len() > 3, "{output}");
    assert!(calls.iter().zip(["task_A", "task_B", "task_C"].iter().cycle()).all(|(call, task)| call.starts_with(task)));
    assert!(output.ends_with(&format!("{} calls\n", calls.len())), "{output}");
}

#[test]
fn at_least_one_call_whatever_the_time() {
    for flags in [["--seconds", "0"], ["--pace", "0"]] {
        let output = EVENT_LOOP.succeeds(&flags);
        assert_eq!(calls(&output).len(), 1, "{output}");
    }
}

#[test]
fn the_seed_decides_the_pauses() {
    // How many calls fit into the time depends on the machine. The pauses of the first calls do not.
    let first = |seed| {
        let output = EVENT_LOOP.succeeds(&["--seed", seed, "--pace", "0.01", "--seconds", "120"]);
        calls(&output)[..5].join("\n")
    };
    assert_eq!(first("5"), first("5"));
    assert_ne!(first("5"), first("6"));
}

#[test]
fn the_clock_ticks_during_a_pause() {
    let output = EVENT_LOOP.succeeds(&[]);
    let mut long_pauses = 0;
    let mut called = None;
    for line in output.lines().filter(|line| line.starts_with("task_")) {
        if let Some((task, rest)) = line.split_once(" called, pauses ") {
            let (_, script) = rest.split_once(" s (").expect("the pause of the script");
            let seconds: u32 =
                script.split(' ').next().and_then(|word| word.parse().ok()).expect("a number of seconds");
            called = Some((task, seconds));
        } else {
            let (task, seconds) = called.take().expect("each end follows a call");
            let (ended, rest) = line.split_once(" is over, ticks of the clock during its pause: ").expect("an end");
            assert_eq!(ended, task, "{output}");
            if seconds >= 2 {
                long_pauses += 1;
                assert_ne!(rest, "0", "{output}");
            }
        }
    }
    assert!(long_pauses > 0, "no pause is long enough to show a tick: {output}");
}

#[test]
fn every_task_is_a_lane_that_sleeps() {
    let stretches = stretches(&EVENT_LOOP, &[]);
    for name in ["clock", "task_A", "task_B", "task_C"] {
        assert!(!of(&stretches, name, "sleep").is_empty(), "{name} does not sleep: {stretches:?}");
    }
}

#[test]
fn a_task_hangs_below_the_task_that_spawned_it() {
    let output = EVENT_LOOP.succeeds(&["--timeline", "--seconds", "10"]);
    for row in ["task_A  ", "└ task_B", "  └ task_C"] {
        assert!(output.lines().any(|line| line.starts_with(row)), "{row}: {output}");
    }
    let arrows = arrows(&EVENT_LOOP, &["--seconds", "10"]);
    let has = |arrow: [&str; 3]| arrows.iter().any(|it| it == &arrow);
    for arrow in [["spawns", "main", "clock"], ["spawns", "main", "task_A"], ["spawns", "task_A", "task_B"]] {
        assert!(has(arrow), "{arrow:?}: {arrows:?}");
    }
    // The end of a call is a message to `main`.
    assert!(has(["wakes", "task_A", "main"]), "{arrows:?}");
}

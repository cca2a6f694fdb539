use std::collections::{BTreeMap, HashSet};

use course::testing::contract::Program;
use course::testing::traces::{Stretch, in_state, of, stretches};

const COROUTINE: Program = Program {
    path: env!("CARGO_BIN_EXE_coroutine"),
    source: "src/bin/coroutine.rs",
    bad: &[
        &["--runs", "0"],
        &["--runs", "100001"],
        &["--runs", "many"],
        &["--at-least", "0"],
        &["--at-least", "1000001"],
        &["--runs", "2", "--at-least", "10"],
    ],
    long: &["--pace", "100"],
};

/// The transitions of the Python script.
const TRANSITIONS: [&str; 8] = [
    "Start -0-> S2",
    "Start -1-> S1",
    "S1 -0-> S3",
    "S1 -1-> S2",
    "S2 -0-> S1",
    "S2 -1-> S3",
    "S3 -0-> S1",
    "S3 -1-> End",
];

/// What a line says: the seed, the number of states, and the words of the path.
struct Line<'a> {
    seed: u64,
    states: usize,
    path: Vec<&'a str>,
}

/// The lines but the first, which says how many there are.
fn lines(output: &str) -> Vec<Line<'_>> {
    let line = |line| {
        let (seed, rest) = str::split_once(line, ": ").expect("a seed");
        let (states, path) = rest.split_once(" states, the stack grew by 0 bytes: ").expect("a path");
        Line {
            seed: seed.strip_prefix("seed ").expect("a seed").parse().expect("a number"),
            states: states.parse().expect("a number"),
            path: path.split(' ').collect(),
        }
    };
    output.lines().skip(1).map(line).collect()
}

/// The transitions of a path.
fn transitions(path: &[&str]) -> Vec<String> {
    path.windows(3).step_by(2).map(|step| step.join(" ")).collect()
}

#[test]
fn keeps_its_promises() {
    COROUTINE.keeps_its_promises();
}

#[test]
fn the_paths_of_10000_seeds_are_allowed() {
    let output = COROUTINE.succeeds(&["--pace", "0", "--seed", "5", "--runs", "10000"]);
    let lines = lines(&output);
    assert!(lines.iter().map(|line| line.seed).eq(5..10_005), "a line for each seed, in their order");
    let mut seen = BTreeMap::new();
    for Line { seed, states, path } in &lines {
        assert_eq!(path.len() + 1, 2 * states, "seed {seed}: {path:?}");
        assert_eq!((path[0], path[path.len() - 1]), ("Start", "End"), "seed {seed}");
        for transition in transitions(path) {
            assert!(TRANSITIONS.contains(&transition.as_str()), "seed {seed}: {transition}");
            *seen.entry(transition).or_insert(0) += 1;
        }
    }
    // With a fair bit, 5000 of the 10,000 paths begin with each bit, give or take 50; and so on at each state.
    for pair in TRANSITIONS.chunks(2) {
        let [zero, one] = [seen[pair[0]], seen[pair[1]]];
        assert!((zero + one) * 9 / 20 < zero && (zero + one) * 9 / 20 < one, "{pair:?}: {zero} and {one}");
    }
    let different: HashSet<_> = lines.iter().map(|line| &line.path).collect();
    assert!(different.len() > 500, "the seed does not decide the path: {} paths", different.len());
}

#[test]
fn the_seed_decides_the_path() {
    let three = COROUTINE.succeeds(&["--pace", "0", "--seed", "5", "--runs", "3"]);
    let one = COROUTINE.succeeds(&["--pace", "0", "--seed", "7"]);
    assert_eq!(three.lines().last(), one.lines().last(), "{three}{one}");
    let last = COROUTINE.succeeds(&["--pace", "0", "--seed", &u64::MAX.to_string(), "--runs", "2"]);
    assert_eq!(lines(&last)[1].seed, 0, "the seed after the largest is 0");
}

#[test]
fn a_path_of_a_million_states_needs_no_more_stack() {
    let output = COROUTINE.succeeds(&["--pace", "0", "--at-least", "1000000"]);
    let lines = lines(&output);
    let [Line { states, path, .. }] = &lines[..] else { panic!("{output}") };
    assert!(*states >= 1_000_000, "{output}");
    let (cut, path) = path.split_last().expect("a path");
    assert_eq!((*cut, transitions(path).len()), ("...", 100), "the line has the first 100 transitions: {output}");
    assert!(transitions(path).iter().all(|transition| TRANSITIONS.contains(&transition.as_str())), "{output}");
}

#[test]
fn paths_pause_at_the_same_time() {
    let stretches = stretches(&COROUTINE, &["--runs", "3"]);
    let first = |lane: &str| -> Stretch { of(&stretches, lane, "sleep")[0].clone() };
    let [one, two, three] = ["seed 42", "seed 43", "seed 44"].map(first);
    assert!(one.overlaps(&two) && two.overlaps(&three) && one.overlaps(&three), "{one:?} {two:?} {three:?}");
}

#[test]
fn each_state_but_the_last_pauses() {
    let output = COROUTINE.succeeds(&["--runs", "3"]);
    let stretches = stretches(&COROUTINE, &["--runs", "3"]);
    for line in lines(&output) {
        assert_eq!(of(&stretches, &format!("seed {}", line.seed), "sleep").len(), line.states - 1, "{output}");
    }
    let without = course::testing::traces::stretches(&COROUTINE, &["--runs", "3", "--pace", "0"]);
    assert!(in_state("sleep", &without).is_empty(), "{without:?}");
}

use std::collections::HashSet;

use course::testing::contract::Program;
use course::testing::traces::{in_state, of, stretches, were_alive_together};

const TASKS: Program = Program {
    path: env!("CARGO_BIN_EXE_tasks"),
    source: "src/bin/tasks.rs",
    bad: &[
        &["--factorial", "35"],
        &["--factorial", "-1"],
        &["--fibonacci", "186"],
        &["--fibonacci", "1.5"],
        &["--n", "121"],
        &["--k", "121"],
        &["--k", "ten"],
    ],
    long: &["--pace", "100"],
};

const NAMES: [&str; 3] = ["factorial", "fibonacci", "binomial"];

/// The task, the number and the value of each step.
fn steps(output: &str) -> Vec<(&str, usize, &str)> {
    let step = |line| {
        let (task, rest) = str::split_once(line, ": step ")?;
        let (number, value) = rest.split_once(", so far ").expect("a value");
        Some((task, number.parse().expect("a number"), value))
    };
    output.lines().filter_map(step).collect()
}

/// The results of a run with these flags.
fn results(flags: &str) -> Vec<String> {
    let output = TASKS.succeeds(&flags.split(' ').chain(["--pace", "0"]).collect::<Vec<_>>());
    output.lines().filter_map(|line| line.split_once(") = ")).map(|(_, result)| result.to_string()).collect()
}

#[test]
fn keeps_its_promises() {
    TASKS.keeps_its_promises();
}

#[test]
fn each_task_makes_all_its_steps_in_order() {
    let expected = [
        ("factorial", "2 6 24 120 720 5040 40320 362880 3628800"),
        ("fibonacci", "1 1 2 3 5 8 13 21 34 55"),
        ("binomial", "20 190 1140 4845 15504 38760 77520 125970 167960 184756"),
    ];
    for flags in [&[][..], &["--pace", "0"]] {
        let output = TASKS.succeeds(flags);
        let steps = steps(&output);
        for (task, values) in expected {
            let own: Vec<_> = steps.iter().filter(|step| step.0 == task).collect();
            assert!(own.iter().map(|step| step.1).eq(1..=own.len()), "{output}");
            assert_eq!(own.iter().map(|step| step.2).collect::<Vec<_>>().join(" "), values, "{output}");
        }
        let end = "factorial(10) = 3628800\nfibonacci(10) = 55\nbinomial(20, 10) = 184756\n";
        assert!(output.ends_with(end), "{output}");
    }
}

#[test]
fn the_steps_of_the_tasks_alternate() {
    for flags in [&[][..], &["--pace", "0"]] {
        let output = TASKS.succeeds(flags);
        let steps = steps(&output);
        let first: HashSet<_> = steps[..3].iter().map(|step| step.0).collect();
        assert_eq!(first, HashSet::from(NAMES), "a task made its second step before another made its first: {output}");
    }
}

#[test]
fn the_tasks_are_alive_together_and_run_one_at_a_time() {
    let stretches = stretches(&TASKS, &[]);
    were_alive_together(&stretches, &NAMES);
    let first_sleep = |name| of(&stretches, name, "sleep")[0];
    let [one, two, three] = NAMES.map(first_sleep);
    assert!(one.overlaps(two) && two.overlaps(three) && one.overlaps(three), "a pause blocks the loop: {stretches:?}");
    let mut runs = in_state("run", &stretches);
    runs.retain(|run| NAMES.contains(&run.lane.as_str()));
    runs.sort_by(|one, other| one.from.total_cmp(&other.from));
    // The times are sums of rounded numbers.
    assert!(runs.windows(2).all(|pair| pair[0].to < pair[1].from + 1.0), "two tasks ran at once: {runs:?}");
}

#[test]
fn without_pauses_nothing_sleeps() {
    let stretches = stretches(&TASKS, &["--pace", "0"]);
    assert!(in_state("sleep", &stretches).is_empty(), "{stretches:?}");
}

#[test]
fn the_smallest_and_the_largest_numbers() {
    assert_eq!(results("--factorial 0 --fibonacci 0 --n 0 --k 0"), ["1", "0", "1"]);
    assert_eq!(results("--factorial 1 --fibonacci 1 --n 3 --k 4"), ["1", "1", "0"]);
    let largest = [
        "295232799039604140847618609643520000000",
        "205697230343233228174223751303346572685",
        "96614908840363322603893139521372656",
    ];
    assert_eq!(results("--factorial 34 --fibonacci 185 --n 120 --k 60"), largest);
    assert_eq!(results("--n 120 --k 120")[2], "1");
}

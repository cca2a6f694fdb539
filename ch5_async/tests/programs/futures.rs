use course::testing::contract::Program;
use course::testing::traces::{arrows, in_state, life, of, stretches};

const FUTURES: Program = Program {
    path: env!("CARGO_BIN_EXE_futures"),
    source: "src/bin/futures.rs",
    bad: &[&["--n", "5001"], &["--n", "-1"], &["--n", "thirty"]],
    long: &["--pace", "100"],
};

/// The result that this callback printed, which must be one line.
fn result<'a>(output: &'a str, callback: &str) -> &'a str {
    let mut results = output.lines().filter_map(|line| line.strip_prefix(callback)?.strip_prefix(": "));
    let result = results.next().unwrap_or_else(|| panic!("the callback of {callback} did not run: {output}"));
    assert_eq!(results.next(), None, "the callback of {callback} ran twice: {output}");
    result
}

#[test]
fn keeps_its_promises() {
    FUTURES.keeps_its_promises();
}

#[test]
fn each_callback_runs_once_with_the_result() {
    let results = [
        ("0", "0", "1"),
        ("1", "1", "1"),
        ("10", "55", "3628800"),
        ("20", "210", "2432902008176640000"),
        // From here on n! does not fit into 64 bits, and from 35 on not into 128 bits.
        ("21", "231", "51090942171709440000"),
        ("30", "465", "265252859812191058636308480000000"),
        ("35", "630", "10333147966386144929666651337523200000000"),
    ];
    for (n, sum, factorial) in results {
        let output = FUTURES.succeeds(&["--pace", "0", "--n", n]);
        assert_eq!((result(&output, "sum"), result(&output, "factorial")), (sum, factorial), "{output}");
    }
}

#[test]
fn a_large_factorial_has_all_its_digits() {
    for (n, digits, zeros) in [("1000", 2568, 249), ("5000", 16326, 1249)] {
        let output = FUTURES.succeeds(&["--pace", "0", "--n", n]);
        let factorial = result(&output, "factorial");
        assert_eq!(factorial.len(), digits);
        assert_eq!(factorial.len() - factorial.trim_end_matches('0').len(), zeros);
    }
}

#[test]
fn a_dropped_sender_is_an_error_and_no_hang() {
    for flags in [&[][..], &["--pace", "0"]] {
        assert_eq!(result(&FUTURES.succeeds(flags), "no value"), "error: channel closed");
    }
}

#[test]
fn a_callback_waits_until_its_future_is_completed() {
    let stretches = stretches(&FUTURES, &[]);
    let mut waits = Vec::new();
    for task in ["sum", "factorial"] {
        let sleeps = of(&stretches, task, "sleep");
        let wait = of(&stretches, &format!("{task}: callback"), "wait");
        let ([sleep], [wait]) = (&sleeps[..], &wait[..]) else { panic!("{stretches:?}") };
        assert!(wait.label == "the future" && wait.to >= sleep.to, "{task}: {stretches:?}");
        waits.push((*wait).clone());
    }
    assert!(waits[0].overlaps(&waits[1]), "the callbacks waited one after the other: {stretches:?}");
    // The third task ends without a value, so its callback does not wait for the others.
    assert!(life(&stretches, "no value: callback").to <= waits[0].to, "{stretches:?}");
    assert_eq!(in_state("sleep", &stretches).len(), 2, "{stretches:?}");
}

#[test]
fn the_task_that_completes_a_future_wakes_the_task_that_awaits_it() {
    let arrows = arrows(&FUTURES, &[]);
    for task in ["sum", "factorial"] {
        let callback = format!("{task}: callback");
        let wakes = arrows.iter().filter(|it| it[0] == "wakes" && it[2] == callback);
        assert_eq!(wakes.map(|it| &it[1]).collect::<Vec<_>>(), [task], "{arrows:?}");
    }
}

use crate::{has_lanes, numbers_after};
use course::testing::contract::Program;
use course::testing::traces::{life, of, slept, stretches, were_alive_together};

pub const BACKGROUND: Program = Program {
    path: env!("CARGO_BIN_EXE_background"),
    source: "src/bin/background.rs",
    bad: &[&["--items", "0"], &["--items", "x"], &["--items", "-1"], &["--items", "1000001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    BACKGROUND.keeps_its_promises();
}

#[test]
fn both_print_their_numbers_and_the_parent_waits() {
    for items in [1, 5, 1000] {
        let output = BACKGROUND.succeeds(&["--items", &items.to_string(), "--pace", "0"]);
        assert!(numbers_after(&output, "first ---> ").into_iter().eq(0..items), "{output}");
        assert!(numbers_after(&output, "second ---> ").into_iter().eq(items..2 * items), "{output}");
        for line in ["first is starting", "second is starting", "first is exiting", "second is exiting"] {
            assert_eq!(output.lines().filter(|other| *other == line).count(), 1, "{output}");
        }
        assert_eq!(output.lines().last(), Some("both processes have ended, so the parent ends"), "{output}");
    }
}

#[test]
fn both_work_at_the_same_time_and_the_parent_ends_after_them() {
    let stretches = stretches(&BACKGROUND, &["--items", "4"]);
    slept(&stretches, &["first", "second"], 4, 100_000.0);
    were_alive_together(&stretches, &["first", "second"]);
    let waits = of(&stretches, "background", "wait");
    assert_eq!(waits.iter().map(|wait| wait.label.as_str()).collect::<Vec<_>>(), ["join"]);
    for child in ["first", "second"] {
        assert!(waits[0].to > life(&stretches, child).to - 1.0, "{waits:?}");
    }
}

#[test]
fn the_chart_has_all_three() {
    has_lanes(&BACKGROUND, &[], &["background", "first", "second"]);
}

#[test]
fn no_run_of_many_hangs() {
    BACKGROUND.ends_every_time(&["--pace", "0"]);
}

use crate::{has_lanes, numbers_after};
use course::testing::contract::Program;
use course::testing::traces::{life, of, slept, stretches};

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
        assert!(numbers_after(&output, "background ---> ").into_iter().eq(0..items), "{output}");
        assert!(numbers_after(&output, "foreground ---> ").into_iter().eq(items..2 * items), "{output}");
        for line in
            ["background is starting", "foreground is starting", "background is exiting", "foreground is exiting"]
        {
            assert_eq!(output.lines().filter(|other| *other == line).count(), 1, "{output}");
        }
        assert_eq!(output.lines().last(), Some("both processes have ended, so the parent ends"), "{output}");
    }
}

#[test]
fn both_work_at_the_same_time_and_the_parent_ends_after_them() {
    let stretches = stretches(&BACKGROUND, &["--items", "4"]);
    slept(&stretches, &["background", "foreground"], 4, 100_000.0);
    // The parent has the name of the program, which is that of a child too: but only the child sleeps, and only the parent waits.
    let ended = of(&stretches, "background", "sleep").iter().map(|sleep| sleep.to).fold(0.0, f64::max);
    let foreground = life(&stretches, "foreground");
    assert!(foreground.from < ended, "foreground began when background had ended");
    let waits = of(&stretches, "background", "wait");
    assert_eq!(waits.iter().map(|wait| wait.label.as_str()).collect::<Vec<_>>(), ["join"]);
    assert!(waits[0].to > ended && waits[0].to > foreground.to - 1.0, "{waits:?}");
}

#[test]
fn the_chart_has_all_three() {
    // The parent has the name of the program, which is that of a child too.
    has_lanes(&BACKGROUND, &[], &["background", "background", "foreground"]);
}

#[test]
fn no_run_of_many_hangs() {
    BACKGROUND.ends_every_time(&["--pace", "0"]);
}

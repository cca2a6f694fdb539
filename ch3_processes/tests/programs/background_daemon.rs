use crate::{has_lanes, numbers_after};
use course::testing::contract::Program;

pub const BACKGROUND_DAEMON: Program = Program {
    path: env!("CARGO_BIN_EXE_background_daemon"),
    source: "src/bin/background_daemon.rs",
    bad: &[&["--items", "0"], &["--items", "x"], &["--items", "-1"], &["--items", "1000001"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    BACKGROUND_DAEMON.keeps_its_promises();
}

#[test]
fn the_daemon_ends_and_the_other_finishes() {
    for items in [1, 5, 1000] {
        for pace in ["0", "0.001"] {
            let output = BACKGROUND_DAEMON.succeeds(&["--items", &items.to_string(), "--pace", pace]);
            // It may be killed before it has said anything.
            let said = numbers_after(&output, "background ---> ");
            assert!(said.len() <= items as usize && said.iter().copied().eq(0..said.len() as u32), "{output}");
            assert!(numbers_after(&output, "foreground ---> ").into_iter().eq(items..2 * items), "{output}");
            assert!(
                output.contains("foreground is exiting\n") && !output.contains("background is exiting"),
                "{output}"
            );
            assert_eq!(output.lines().last(), Some("the daemon has been killed"), "{output}");
        }
    }
}

#[test]
fn the_chart_has_all_three() {
    has_lanes(&BACKGROUND_DAEMON, &[], &["background_daemon", "background", "foreground"]);
}

#[test]
fn no_run_of_many_hangs() {
    BACKGROUND_DAEMON.ends_every_time(&["--pace", "0"]);
}

use course::testing::contract::Program;
use course::testing::traces::{of, stretches};

/// What it promises as a hazard is tested with the other hazards.
const PIPE_BOTH_FULL: Program =
    Program { path: env!("CARGO_BIN_EXE_pipe_both_full"), source: "src/bin/pipe_both_full.rs", bad: &[], long: &[] };

#[test]
fn the_repaired_parent_sends_in_one_thread_and_receives_in_another() {
    let stretches = stretches(&PIPE_BOTH_FULL, &["--repaired"]);
    for (lane, what) in [("sender", "the requests"), ("pipe_both_full", "the replies")] {
        assert!(of(&stretches, lane, "wait").iter().any(|wait| wait.label == what), "{lane}: {stretches:?}");
    }
}

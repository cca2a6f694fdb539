use course::testing::contract::Program;
use course::testing::traces::{lives, stretches};

/// What it promises as a hazard is tested with the other hazards.
const TOO_WEAK_ORDERING: Program = Program {
    path: env!("CARGO_BIN_EXE_too_weak_ordering"),
    source: "src/bin/too_weak_ordering.rs",
    bad: &[],
    long: &[],
};

/// The processor may never show the hazard, so the number of failed rounds does not say whether there were any rounds.
#[test]
fn real_threads_send_and_receive_too() {
    let stretches = stretches(&TOO_WEAK_ORDERING, &["--repaired"]);
    for lane in ["Huey", "Dewey"] {
        assert_eq!(lives(&stretches, lane).len(), 1, "{stretches:?}");
    }
}

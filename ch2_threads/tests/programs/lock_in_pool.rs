use course::testing::contract::Program;
use course::testing::traces::{of, stretches};

/// What it promises as a hazard is tested with the other hazards.
const LOCK_IN_POOL: Program =
    Program { path: env!("CARGO_BIN_EXE_lock_in_pool"), source: "src/bin/lock_in_pool.rs", bad: &[], long: &[] };

#[test]
fn the_repaired_worker_waits_until_main_has_a_job() {
    let stretches = stretches(&LOCK_IN_POOL, &["--repaired"]);
    let waits = of(&stretches, "worker", "wait");
    assert!(waits.iter().any(|wait| wait.label == "a job"), "{stretches:?}");
    // Each job waits until the other one has begun, so a thread of its own runs each of them.
    for (lane, job) in [("lock_in_pool", "sum"), ("worker", "shipping")] {
        assert!(of(&stretches, lane, "run").iter().any(|run| run.label == job), "{lane} {job}: {stretches:?}");
    }
}

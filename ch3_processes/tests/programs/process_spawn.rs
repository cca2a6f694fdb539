use crate::{has_lanes, items, numbers_after};
use course::testing::contract::Program;
use course::testing::traces::{stretches, were_alive_together};

pub const PROCESS_SPAWN: Program = Program {
    path: env!("CARGO_BIN_EXE_process_spawn"),
    source: "src/bin/process_spawn.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "401"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    PROCESS_SPAWN.keeps_its_promises();
}

#[test]
fn process_i_prints_the_numbers_below_i() {
    for workers in [1, 2, 6, 64] {
        let output = PROCESS_SPAWN.succeeds(&["--workers", &workers.to_string()]);
        for number in 0..workers {
            let lines = numbers_after(&output, &format!("process {number}: "));
            assert!(lines.into_iter().eq(0..number), "{number}: {output}");
        }
        let mut ids = items(&output, |line| line.split_once(" calls my_func with the id ").map(|(_, id)| id));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), workers as usize, "{output}");
        let last = output.lines().filter(|line| line.ends_with(" was the last at the barrier")).count();
        assert_eq!(last, 1, "{output}");
        let lines = 2 + workers + workers * (workers - 1) / 2;
        assert_eq!(output.lines().count(), lines as usize, "{output}");
    }
}

#[test]
fn all_are_alive_at_the_same_time() {
    let stretches = stretches(&PROCESS_SPAWN, &["--workers", "4"]);
    were_alive_together(&stretches, &["process 0", "process 1", "process 2", "process 3"]);
}

#[test]
fn the_chart_has_a_lane_for_each_process() {
    has_lanes(&PROCESS_SPAWN, &["--workers", "3"], &["process_spawn", "process 0", "process 1", "process 2"]);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_SPAWN.ends_every_time(&["--workers", "8"]);
}

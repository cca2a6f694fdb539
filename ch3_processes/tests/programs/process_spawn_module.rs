use crate::{has_lanes, numbers_after};
use course::testing::contract::Program;

pub const PROCESS_SPAWN_MODULE: Program = Program {
    path: env!("CARGO_BIN_EXE_process_spawn_module"),
    source: "src/bin/process_spawn_module.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "401"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    PROCESS_SPAWN_MODULE.keeps_its_promises();
}

#[test]
fn process_i_prints_the_numbers_below_i() {
    for workers in [1, 2, 6, 64] {
        let output = PROCESS_SPAWN_MODULE.succeeds(&["--workers", &workers.to_string()]);
        for number in 0..workers {
            let lines = numbers_after(&output, &format!("process {number}: "));
            assert!(lines.into_iter().eq(0..number), "{number}: {output}");
        }
        let parents = output.lines().filter(|line| line.starts_with("only the parent comes here")).count();
        let calls = output.lines().filter(|line| line.contains(" calls my_func with the id ")).count();
        assert_eq!((parents, calls), (1, workers as usize), "{output}");
        let lines = 1 + workers + workers * (workers - 1) / 2;
        assert_eq!(output.lines().count(), lines as usize, "{output}");
    }
}

#[test]
fn the_chart_has_a_lane_for_each_process() {
    has_lanes(
        &PROCESS_SPAWN_MODULE,
        &["--workers", "3"],
        &["process_spawn_module", "process 0", "process 1", "process 2"],
    );
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_SPAWN_MODULE.ends_every_time(&["--workers", "8"]);
}

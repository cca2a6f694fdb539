use crate::has_lanes;
use course::testing::contract::Program;

pub const SHARED_MEMORY: Program = Program {
    path: env!("CARGO_BIN_EXE_shared_memory"),
    source: "src/bin/shared_memory.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "x"],
        &["--workers", "401"],
        &["--items", "0"],
        &["--items", "-1"],
        &["--items", "20000001"],
        &["--rounds", "0"],
        &["--rounds", "often"],
        &["--rounds", "1000001"],
    ],
    long: &["--rounds", "1000000"],
};

#[test]
fn keeps_its_promises() {
    SHARED_MEMORY.keeps_its_promises();
}

#[test]
fn both_ways_give_the_same_numbers() {
    for (workers, items) in [(1, 1), (1, 1_000_000), (4, 3), (4, 1_000_001), (64, 10), (64, 100_000), (2, 20_000_000)] {
        let [workers, items] = [workers, items].map(|number: u64| number.to_string());
        let output = SHARED_MEMORY.succeeds(&["--workers", &workers, "--items", &items]);
        let same = format!("both ways give the same numbers, the last one is {items}");
        assert!(output.lines().any(|line| line == same), "{output}");
        for way in ["by copying: ", "by sharing: "] {
            assert_eq!(output.lines().filter(|line| line.starts_with(way)).count(), 1, "{output}");
        }
    }
}

#[test]
fn every_round_counts() {
    let output = SHARED_MEMORY.succeeds(&["--workers", "3", "--items", "100", "--rounds", "20"]);
    assert!(output.ends_with("the last one is 119\n"), "{output}");
}

#[test]
fn the_chart_has_all_processes() {
    has_lanes(&SHARED_MEMORY, &["--workers", "2"], &["shared_memory", "copy 0", "copy 1", "share 0", "share 1"]);
}

#[test]
fn no_run_of_many_hangs() {
    SHARED_MEMORY.ends_every_time(&["--items", "10000"]);
}

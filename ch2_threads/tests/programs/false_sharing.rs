use course::testing::contract::Program;

/// What it promises as a hazard is tested with the other hazards.
const FALSE_SHARING: Program =
    Program { path: env!("CARGO_BIN_EXE_false_sharing"), source: "src/bin/false_sharing.rs", bad: &[], long: &[] };

#[test]
fn the_repaired_counters_lie_at_least_a_cache_line_apart() {
    let output = FALSE_SHARING.succeeds(&["--repaired"]);
    let distance = output.strip_prefix("the counters of Huey and Dewey lie ").and_then(|it| it.split(' ').next());
    let distance: usize = distance.and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{output}"));
    assert!(distance >= 64, "{output}");
}

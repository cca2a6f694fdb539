use course::testing::contract::Program;

const RLOCK: Program = Program {
    path: env!("CARGO_BIN_EXE_rlock"),
    source: "src/bin/rlock.rs",
    bad: &[&["--workers", "0"], &["--workers", "x"], &["--workers", "-1"], &["--workers", "501"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    RLOCK.keeps_its_promises();
}

#[test]
fn what_is_left_is_what_was_added_less_what_was_removed() {
    for workers in [1, 3, 64] {
        let output = RLOCK.succeeds(&["--workers", &workers.to_string(), "--pace", "0"]);
        let numbers =
            |line: &str| -> Vec<i64> { line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect() };
        let plans = output.lines().filter(|line| line.contains(" adds "));
        // Each plan: adder, items, remover, items.
        let plans: Vec<_> = plans.map(numbers).collect();
        assert_eq!(plans.len(), workers, "{output}");
        assert!(plans.iter().all(|plan| (10..=20).contains(&plan[1]) && (1..=10).contains(&plan[3])), "{output}");
        let left: i64 = plans.iter().map(|plan| plan[1] - plan[3]).sum();
        assert_eq!(output.lines().last(), Some(&*format!("{left} items are in the box")), "{output}");
    }
}

#[test]
fn each_line_continues_with_the_number_of_the_line_before() {
    for _ in 0..20 {
        let output = RLOCK.succeeds(&["--workers", "64", "--pace", "0"]);
        let mut number = 0;
        for line in output.lines() {
            let Some((name, change)) = line.split_once(": ") else { continue };
            let step = if name.starts_with("adder") { "+ 1" } else { "- 1" };
            let next = if name.starts_with("adder") { number + 1 } else { number - 1 };
            assert_eq!(change, format!("{number} {step} = {next}"), "{output}");
            number = next;
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    RLOCK.ends_every_time(&["--workers", "4", "--pace", "0"]);
}

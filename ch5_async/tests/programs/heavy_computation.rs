use course::testing::contract::Program;
use course::testing::traces::{Stretch, in_state, most_at_once, run_together, shows, stretches};

const HEAVY_COMPUTATION: Program = Program {
    path: env!("CARGO_BIN_EXE_heavy_computation"),
    source: "src/bin/heavy_computation.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "x"],
        &["--workers", "401"],
        &["--items", "0"],
        &["--items", "1001"],
        &["--items", "-1"],
        &["--grain", "0"],
        &["--grain", "1000000000001"],
        &["--grain", "many"],
        &["--timer-bug", "yes"],
    ],
    long: &["--grain", "1000000000000"],
};

const WAYS: [&str; 4] = ["sequential", "threads", "processes", "async"];

/// The rows of the table.
fn rows(output: &str) -> Vec<Vec<&str>> {
    output.lines().skip(2).map(|line| line.split_whitespace().collect()).collect()
}

/// A time as the program prints it, in seconds.
fn seconds(text: &str) -> f64 {
    let unit = text.find(|letter: char| letter != '.' && !letter.is_ascii_digit()).expect("a unit");
    let factor = match &text[unit..] {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        unit => panic!("{unit} is no unit of time"),
    };
    factor * text[..unit].parse::<f64>().expect("a number")
}

/// The stretches that count an item in a lane whose name begins with `prefix`.
fn items(stretches: &[Stretch], prefix: &str) -> Vec<Stretch> {
    let in_lane = |stretch: &Stretch| stretch.lane.starts_with(prefix) && stretch.label.starts_with("item ");
    in_state("run", stretches).into_iter().filter(in_lane).collect()
}

#[test]
fn keeps_its_promises() {
    HEAVY_COMPUTATION.keeps_its_promises();
}

#[test]
fn each_way_has_a_time() {
    for (workers, items, grain) in [("1", "1", "1"), ("2", "5", "1000"), ("3", "100", "1000"), ("20", "7", "100")] {
        let output = HEAVY_COMPUTATION.succeeds(&["--workers", workers, "--items", items, "--grain", grain]);
        let first = format!("{items} items, each counts to {grain}, workers: {workers}");
        assert_eq!(output.lines().next(), Some(first.as_str()));
        let rows = rows(&output);
        let ways: Vec<_> = rows.iter().map(|row| row[0]).collect();
        assert_eq!(ways, WAYS, "{output}");
        assert!(rows.iter().all(|row| row.len() == 4 && seconds(row[2]) > 0.0), "{output}");
        assert_eq!(rows[0][3], "1.00", "{output}");
    }
}

#[test]
fn the_speed_up_belongs_to_the_time() {
    let output = HEAVY_COMPUTATION.succeeds(&["--timer-bug"]);
    let rows: Vec<_> = rows(&output).into_iter().filter(|row| row.len() == 4).collect();
    let serial = seconds(rows[0][2]);
    for row in &rows {
        let speed_up: f64 = row[3].parse().expect("a number");
        // All three numbers are rounded.
        assert!((speed_up * seconds(row[2]) / serial - 1.0).abs() < 0.02, "{row:?} in {output}");
    }
}

#[test]
fn the_wrong_time_is_shown_on_demand_only_and_called_wrong() {
    assert!(!HEAVY_COMPUTATION.succeeds(&["--grain", "1000"]).contains("WRONG"));
    let output = HEAVY_COMPUTATION.succeeds(&["--timer-bug"]);
    let wrong: Vec<_> = output.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert_eq!(wrong.len(), 2, "{output}");
    assert!(wrong[1].contains("a clock that stopped before"), "{output}");
    let time = |way: &str| {
        let rows = rows(&output);
        let row = rows.iter().find(|row| row[0] == way).unwrap_or_else(|| panic!("no row {way}: {output}"));
        seconds(row[2])
    };
    // The wrong clock stops earlier in the same run.
    assert!(time("WRONG") <= time("processes"), "{output}");
}

#[test]
fn every_way_computes_every_item_once() {
    let stretches = stretches(&HEAVY_COMPUTATION, &["--workers", "3", "--items", "5"]);
    let ways = [("heavy_computation", 1), ("thread ", 3), ("process ", 3), ("task ", 1)];
    for (lane, workers) in ways {
        let items = items(&stretches, lane);
        let mut labels: Vec<_> = items.iter().map(|item| item.label.as_str()).collect();
        labels.sort_unstable();
        assert_eq!(labels, ["item 1", "item 2", "item 3", "item 4", "item 5"], "{lane}: {stretches:?}");
        assert!(most_at_once(&items) <= workers, "{lane}: {items:?}");
    }
}

#[test]
fn threads_and_processes_compute_at_the_same_time() {
    shows(&HEAVY_COMPUTATION, &[], |stretches| {
        run_together(stretches, "thread 0", "thread 1", Some("threads"))
            && run_together(stretches, "process 0", "process 1", Some("results"))
    });
}

use std::process::Command;

use course::testing::contract::Program;

use crate::common;

const PI: Program = Program {
    path: env!("CARGO_BIN_EXE_pi"),
    source: "src/bin/pi.rs",
    bad: &[
        &["--points", "0"],
        &["--points", "-1"],
        &["--points", "many"],
        &["--points", "100000000001"],
        &["--ranks", "0"],
    ],
    long: &[],
};

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(PI.path);
    command.args(flags);
    command
}

/// The rows of the tables of strong and weak scaling: ranks, points and hits.
fn tables(stdout: &str) -> [Vec<[u64; 3]>; 2] {
    let (strong, weak) = stdout.split_once("weak scaling\n").expect("two tables");
    let strong = strong.strip_prefix("strong scaling\n").expect("strong scaling comes first");
    [strong, weak].map(|table| {
        let row = |line: &str| {
            let columns: Vec<_> = line.split_whitespace().collect();
            [0, 1, 2].map(|column| columns[column].parse().expect("a number"))
        };
        // The first line is the head of the table.
        table.lines().skip(1).map(row).collect()
    })
}

/// Checks all that does not depend on time, and returns the hits of strong scaling.
fn hits(ranks: usize, points: u64, flags: &[&str]) -> u64 {
    let stdout = common::succeed(&mut common::mpirun(ranks, &program(flags)));
    let ranks = ranks as u64;
    let teams: Vec<u64> = (0..10).map(|power| 1 << power).filter(|&team| team < ranks).chain([ranks]).collect();
    let [strong, weak] = tables(&stdout);
    let share = points.div_ceil(ranks);
    let columns = |table: &[[u64; 3]]| table.iter().map(|row| (row[0], row[1])).collect::<Vec<_>>();
    assert_eq!(columns(&strong), teams.iter().map(|&team| (team, points)).collect::<Vec<_>>(), "{stdout}");
    assert_eq!(columns(&weak), teams.iter().map(|&team| (team, share * team)).collect::<Vec<_>>(), "{stdout}");
    assert!(strong.iter().all(|row| row[2] == strong[0][2]), "{stdout}");
    strong[0][2]
}

#[test]
fn keeps_its_promises() {
    PI.keeps_its_own_promises();
}

#[test]
fn the_hits_do_not_depend_on_the_number_of_ranks() {
    let alone = hits(1, 4_000_000, &[]);
    for ranks in [2, 3, 4, 5, 9, 12] {
        assert_eq!(hits(ranks, 4_000_000, &[]), alone, "{ranks} ranks");
    }
}

#[test]
fn any_number_of_points() {
    for points in [1_u64, 9_999, 10_000, 10_001, 123_456] {
        let alone = hits(1, points, &["--points", &points.to_string()]);
        for ranks in [2, 3, 5] {
            assert_eq!(hits(ranks, points, &["--points", &points.to_string()]), alone, "{ranks} ranks");
        }
    }
}

#[test]
fn the_seed_chooses_the_points() {
    assert_ne!(
        hits(2, 100_000, &["--points", "100000", "--seed", "1"]),
        hits(2, 100_000, &["--points", "100000", "--seed", "2"])
    );
}

use std::process::Command;

use course::testing::contract::Program;

use crate::common;

const PING_PONG: Program = Program {
    path: env!("CARGO_BIN_EXE_ping_pong"),
    source: "src/bin/ping_pong.rs",
    bad: &[
        &["--largest", "0"],
        &["--largest", "67108865"],
        &["--only", "0"],
        &["--only", "67108865"],
        &["--only", "8", "--largest", "16"],
        &["--rounds", "0"],
        &["--rounds", "10000001"],
        &["--ranks", "0"],
    ],
    long: &[],
};

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(PING_PONG.path);
    command.args(flags);
    command
}

/// The sizes of the table.
fn sizes(stdout: &str) -> Vec<u32> {
    let mut lines = stdout.lines();
    assert_eq!(lines.next(), Some("# Size (B)  Latency (us)  Bandwidth (MB/s)"), "{stdout}");
    let row = |line: &str| {
        let columns: Vec<f64> = line.split_whitespace().map(|column| column.parse().expect("a number")).collect();
        assert_eq!(columns.len(), 3, "{stdout}");
        assert!(columns[1] > 0.0, "{stdout}");
        columns[0] as u32
    };
    lines.map(row).collect()
}

#[test]
fn keeps_its_promises() {
    PING_PONG.keeps_its_own_promises();
}

#[test]
fn any_number_of_ranks_from_two() {
    for ranks in [2, 3, 4, 5, 9] {
        let stdout = common::succeed(&mut common::mpirun(ranks, &program(&[])));
        let right: Vec<u32> = (0..=20).map(|power| 1 << power).collect();
        assert_eq!(sizes(&stdout), right);
    }
}

#[test]
fn the_flags_choose_the_sizes() {
    let sizes_with = |flags: &[&str]| sizes(&common::succeed(&mut common::mpirun(2, &program(flags))));
    assert_eq!(sizes_with(&["--largest", "1"]), [1]);
    assert_eq!(sizes_with(&["--largest", "1000", "--rounds", "3"]), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(sizes_with(&["--only", "1"]), [1]);
    assert_eq!(sizes_with(&["--only", "12345", "--rounds", "1"]), [12345]);
    assert_eq!(sizes_with(&["--only", "67108864", "--rounds", "2"]), [67_108_864]);
}

#[test]
fn one_rank_is_too_few() {
    let finished = common::run(common::hasty(&mut common::mpirun(1, &program(&[]))));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("this lesson needs at least 2, not 1"), "{finished:#?}");
    assert_eq!(finished.stdout, "", "{finished:#?}");
}

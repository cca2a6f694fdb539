use std::process::Command;

use course::testing::contract::Program;

use crate::common;

const HALO: Program = Program {
    path: env!("CARGO_BIN_EXE_halo"),
    source: "src/bin/halo.rs",
    bad: &[
        &["--size", "0"],
        &["--size", "4097"],
        &["--size", "ten"],
        &["--iterations", "0"],
        &["--iterations", "1001"],
        &["--ranks", "0"],
    ],
    long: &[],
};

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(HALO.path);
    command.args(flags);
    command
}

/// Both ways and the serial run, with which the program compares them.
fn assert_table(stdout: &str) {
    let table =
        stdout.strip_suffix("both grids equal the grid of the serial run\n").expect("the result of the comparison");
    let ways: Vec<_> = table.lines().map(|line| line.split("  ").next().unwrap_or_default().trim_end()).collect();
    assert_eq!(ways, ["exchange first", "overlap", "serial"], "{stdout}");
    assert!(table.lines().all(|line| line.ends_with(" ms an iteration")), "{stdout}");
}

#[test]
fn keeps_its_promises() {
    HALO.keeps_its_own_promises();
}

#[test]
fn any_number_of_ranks() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        assert_table(&common::succeed(&mut common::mpirun(ranks, &program(&[]))));
    }
}

/// Blocks of different shapes, down to a single cell, in which every edge is the same cell.
#[test]
fn uneven_and_tiny_blocks() {
    for (ranks, sizes) in
        [(1, &["1", "2", "3"][..]), (2, &["2", "3"]), (4, &["2", "3", "5"]), (6, &["3", "13"]), (7, &["7", "8"])]
    {
        for size in sizes {
            for iterations in ["1", "2", "31"] {
                let program = program(&["--size", size, "--iterations", iterations]);
                assert_table(&common::succeed(&mut common::mpirun(ranks, &program)));
            }
        }
    }
}

#[test]
fn a_grid_with_fewer_columns_than_ranks_in_a_row_is_an_error() {
    for (ranks, size, least) in [(2, "1", 2), (4, "1", 2), (5, "4", 5), (12, "3", 4)] {
        let finished = common::run(&mut common::mpirun(ranks, &program(&["--size", size])));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        let why = format!("the size: {ranks} ranks need at least {least} rows and columns");
        assert!(finished.stderr.contains(&why), "{finished:#?}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
}

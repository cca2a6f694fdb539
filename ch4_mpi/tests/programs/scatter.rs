use course::testing::contract::Program;
use course::testing::traces;

use crate::common::{mpirun, run, scatter, succeed};

const SCATTER: Program = Program {
    path: env!("CARGO_BIN_EXE_scatter"),
    source: "src/bin/scatter.rs",
    bad: &[
        &["--items", "-1"],
        &["--items", "ten"],
        &["--items", "1000001"],
        &["--items", "9000000000"],
        &["--ranks", "0"],
        &["--ranks", "1025"],
        &["--rank"],
    ],
    // The program has no pauses, and its ranks never work for long.
    long: &[],
};

#[test]
fn keeps_its_promises() {
    SCATTER.keeps_its_promises();
}

/// The parts that the ranks printed, in the order of the ranks.
fn parts(stdout: &str, ranks: usize) -> Vec<String> {
    let mut parts: Vec<_> = stdout
        .lines()
        .filter_map(|line| {
            let (rank, part) = line.strip_prefix("rank ")?.split_once(&format!(" of {ranks} has "))?;
            Some((rank.parse::<usize>().ok()?, part.to_string()))
        })
        .collect();
    parts.sort();
    let order: Vec<_> = parts.iter().map(|(rank, _)| *rank).collect();
    assert_eq!(order, (0..ranks).collect::<Vec<_>>(), "{stdout}");
    parts.into_iter().map(|(_, part)| part).collect()
}

#[test]
fn starts_itself_with_four_ranks() {
    let stdout = SCATTER.succeeds(&[]);
    let right = ["2 items: [1, 2]", "3 items: [3, 4, 5]", "2 items: [6, 7]", "3 items: [8, 9, 10]"];
    assert_eq!(parts(&stdout, 4), right);
    assert_eq!(stdout.lines().count(), 4, "{stdout}");
}

#[test]
fn any_number_of_ranks_under_mpirun() {
    for ranks in 1..=12 {
        let stdout = succeed(&mut mpirun(ranks, &scatter()));
        let items: usize =
            parts(&stdout, ranks).iter().map(|part| part[..part.find(' ').unwrap()].parse::<usize>().unwrap()).sum();
        assert_eq!(items, 10, "{stdout}");
    }
}

#[test]
fn any_number_of_items() {
    for items in [0, 1, 3, 1000, 1_000_000] {
        let stdout = succeed(scatter().args(["--ranks", "3", "--items", &items.to_string()]));
        let lengths: Vec<usize> =
            parts(&stdout, 3).iter().map(|part| part[..part.find(' ').unwrap()].parse().unwrap()).collect();
        let right: Vec<usize> = (0..3).map(|rank| (rank + 1) * items / 3 - rank * items / 3).collect();
        assert_eq!(lengths, right, "{stdout}");
    }
}

#[test]
fn one_chart_has_a_lane_of_every_rank() {
    for command in [scatter().args(["--ranks", "3"]), &mut mpirun(3, &scatter())] {
        let stdout = succeed(command.arg("--timeline"));
        assert_eq!(stdout.matches("scatter: ").count(), 1, "{stdout}");
        for rank in 0..3 {
            let lanes = stdout.lines().filter(|line| line.starts_with(&format!("rank {rank}  "))).count();
            assert_eq!(lanes, 1, "{stdout}");
        }
        assert!(stdout.contains("waits"), "{stdout}");
    }
}

#[test]
fn a_trace_names_ranks_and_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (trace, svg) = (folder.path().join("trace.json"), folder.path().join("lanes.svg"));
    succeed(scatter().arg("--trace").arg(&trace).arg("--svg").arg(&svg));
    let stretches = traces::read(&trace);
    for rank in 0..4 {
        let of_rank = traces::of(&stretches, &format!("rank {rank}"), "wait");
        assert!(of_rank.iter().all(|wait| wait.process == rank + 1), "{of_rank:?}");
        for call in ["MPI_Scatterv", "MPI_Barrier", "MPI_Allreduce"] {
            assert_eq!(of_rank.iter().filter(|wait| wait.label.starts_with(call)).count(), 1, "{call} at rank {rank}");
        }
    }
    // No rank leaves the barrier before the last rank has reached it.
    let barriers: Vec<_> = stretches.iter().filter(|stretch| stretch.label.starts_with("MPI_Barrier")).collect();
    assert!(barriers.iter().all(|one| barriers.iter().all(|other| one.from <= other.to)), "{barriers:#?}");
    assert!(std::fs::read_to_string(svg).unwrap().contains("rank 3"));
}

#[test]
fn flags_are_checked_before_any_rank_starts() {
    for (flags, status) in [
        (&["--items", "ten"][..], 2),
        (&["--ranks", "0"], 2),
        (&["--trace", "/no/such/folder/file"], 1),
        (&["--svg", "/no/such/folder/file"], 1),
        (&["--help"], 0),
    ] {
        // If the program searched for its launcher, it would fail with another error.
        let finished = run(scatter().args(flags).env("MPIRUN", "no-such-mpirun"));
        assert_eq!(finished.code(), Some(status), "{finished:#?}");
        assert!(!finished.stderr.contains("mpirun"), "{finished:#?}");
        assert_eq!(finished.stdout.contains("--ranks <N>"), status == 0, "{finished:#?}");
    }
}

#[test]
fn ranks_under_mpirun_print_an_error_once() {
    let bad = run(&mut mpirun(3, scatter().args(["--items", "ten"])));
    assert_eq!(bad.code(), Some(2), "{bad:#?}");
    assert_eq!(bad.stderr.matches("error: invalid value 'ten'").count(), 1, "{bad:#?}");

    let no_folder = run(mpirun(3, &scatter()).args(["--trace", "/no/such/folder/file"]));
    assert_eq!(no_folder.code(), Some(1), "{no_folder:#?}");
    assert!(!no_folder.stdout.contains("has"), "{no_folder:#?}");

    assert_eq!(succeed(&mut mpirun(3, scatter().arg("--help"))).matches("Usage: scatter").count(), 1);
}

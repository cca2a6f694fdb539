//! The report of a hang, for C programs that are not the course's: each hangs in another way, or is right although it waits for long.
#![cfg(mpi)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use common::{compiled, mpirun, run, succeed, watched};
use course::program::Finished;

/// The jobs share two cores, so only one of them runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn program(name: &'static str) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap());
    let path = folder.path().join(name);
    if path.exists() { path } else { compiled(name, folder.path()) }
}

/// Runs a case of `hangs.c` until it is reported.
fn hang(case: &str, ranks: usize) -> Finished {
    let finished = run(&mut watched(&["--deadline", "0.5"], ranks, &program("hangs"), &[case]));
    assert_eq!(finished.code(), Some(3), "{case}: {finished:#?}");
    // Output that C has buffered is not lost.
    assert_eq!(finished.stdout, "it begins\n", "{case}: {finished:#?}");
    finished
}

/// The report's lines about ranks.
fn of_ranks(finished: &Finished) -> Vec<&str> {
    finished.stderr.lines().filter_map(|line| line.strip_prefix("  rank ")).collect()
}

fn first(finished: &Finished) -> &str {
    finished.stderr.lines().find(|line| line.contains("no rank has entered or left")).expect("a report")
}

fn reason(finished: &Finished) -> &str {
    finished.stderr.lines().find_map(|line| line.strip_prefix("reason: ")).expect("a reason")
}

/// Where the source has this mark.
fn at(mark: &str) -> String {
    let source = fs::read_to_string("tests/foreign/hangs.c").unwrap();
    let line = 1 + source.lines().position(|line| line.contains(&format!("/* here: {mark} */"))).expect("a mark");
    format!("ch4_mpi/tests/foreign/hangs.c:{line}")
}

/// Asserts that each rank waits in this call, at its place, and that the deadlock is proved.
fn all_ranks_wait(case: &str, ranks: usize, call: impl Fn(usize) -> String) -> Finished {
    let finished = hang(case, ranks);
    assert!(first(&finished).starts_with("deadlock: the job cannot go on"), "{case}: {finished:#?}");
    let lines: Vec<String> = (0..ranks).map(|rank| format!("{rank} waits in {} at {}", call(rank), at(case))).collect();
    assert_eq!(of_ranks(&finished), lines, "{finished:#?}");
    finished
}

#[test]
fn a_cycle_of_receives_is_named() {
    let _alone = alone();
    let left = |rank: usize| (rank + 4) % 5;
    let call = |rank| format!("MPI_Recv from rank {} (tag 7, 4 B, MPI_COMM_WORLD)", left(rank));
    let finished = all_ranks_wait("receive", 5, call);
    let cycle = [0, 4, 3, 2, 1]
        .map(|rank| format!("rank {rank} waits in MPI_Recv from rank {} at {}", left(rank), at("receive")));
    assert_eq!(reason(&finished), format!("a cycle: {}", cycle.join("; ")));
}

#[test]
fn sends_and_probes_and_waits_are_named_with_what_they_wait_for() {
    let _alone = alone();
    let (left, right) = (|rank: usize| (rank + 2) % 3, |rank: usize| (rank + 1) % 3);
    all_ranks_wait("send-big", 3, |rank| {
        format!("MPI_Send to rank {} (tag 0, 4194304 B, MPI_COMM_WORLD)", right(rank))
    });
    all_ranks_wait("probe", 3, |rank| format!("MPI_Probe from rank {} (tag 9, MPI_COMM_WORLD)", left(rank)));
    let receive = |call: &str, rank: usize, tag| format!("{call} from rank {rank} (tag {tag}, 4 B, MPI_COMM_WORLD)");
    all_ranks_wait("wait", 3, |rank| format!("MPI_Wait for {}", receive("MPI_Irecv", left(rank), 3)));
    all_ranks_wait("persistent", 3, |rank| format!("MPI_Wait for {}", receive("MPI_Recv_init", left(rank), 0)));
    // The small send is complete at once, and MPI libraries differ in whether their request shows it.
    let finished = hang("waitall", 3);
    for (rank, line) in of_ranks(&finished).into_iter().enumerate() {
        let waits = format!("{rank} waits in MPI_Waitall for {}", receive("MPI_Irecv", left(rank), 3));
        assert!(line.starts_with(&waits) && line.ends_with(&at("waitall")), "{finished:#?}");
    }
}

#[test]
fn an_or_of_waits_is_a_deadlock_only_as_a_knot() {
    let _alone = alone();
    let finished =
        all_ranks_wait("any-source", 3, |_| "MPI_Recv from any source (any tag, 4 B, MPI_COMM_WORLD)".into());
    assert!(reason(&finished).starts_with("a knot, since each rank that could help"), "{finished:#?}");
    let receive = |rank: usize| format!("MPI_Irecv from rank {rank} (tag 3, 4 B, MPI_COMM_WORLD)");
    let finished = all_ranks_wait("waitany", 3, |rank| {
        format!("MPI_Waitany for any of {}, {}", receive((rank + 2) % 3), receive((rank + 1) % 3))
    });
    assert!(reason(&finished).starts_with("a knot"), "{finished:#?}");
}

#[test]
fn a_cycle_of_three_among_six_ranks_is_told_from_its_consequences() {
    let _alone = alone();
    let finished = hang("three", 6);
    let step = |rank, from| format!("rank {rank} waits in MPI_Recv from rank {from} at {}", at("three"));
    assert_eq!(reason(&finished), format!("a cycle: {}; {}; {}", step(1, 3), step(3, 4), step(4, 1)));
    assert_eq!(of_ranks(&finished).iter().filter(|line| line.contains("waits in MPI_Barrier")).count(), 3);
}

#[test]
fn a_collective_that_a_rank_leaves_out_is_named() {
    let _alone = alone();
    let finished = hang("missing", 4);
    assert_eq!(of_ranks(&finished)[3], "3 has come to its end (MPI_Finalize)");
    let right = "ranks 0, 1, 2 have entered MPI_Barrier (MPI_COMM_WORLD), and rank 3 has come to the end without it";
    assert_eq!(reason(&finished), right);
    let finished = hang("ibarrier", 3);
    let right = "ranks 1, 2 have entered MPI_Ibarrier (MPI_COMM_WORLD), and rank 0 has come to the end without it";
    assert_eq!(reason(&finished), right);
}

#[test]
fn different_collectives_in_one_place_are_named() {
    let _alone = alone();
    let finished = hang("mismatch", 3);
    let right = "rank 0 is in MPI_Barrier (MPI_COMM_WORLD), and rank 1 has called MPI_Allreduce in its place";
    assert!(reason(&finished).starts_with(right), "{finished:#?}");
    assert!(of_ranks(&finished)[0].ends_with(&at("mismatch barrier")), "{finished:#?}");
    assert!(of_ranks(&finished)[2].ends_with(&at("mismatch allreduce")), "{finished:#?}");
}

#[test]
fn a_different_root_is_named_where_it_hangs() {
    let _alone = alone();
    let finished = hang("root", 4);
    let reason = reason(&finished);
    assert!(reason.contains("MPI_Bcast (root 0") || reason.contains("MPI_Bcast (root 2)"), "{finished:#?}");
}

#[test]
fn a_rank_that_has_come_to_its_end_is_the_reason() {
    let _alone = alone();
    let finished = hang("gone", 3);
    let right = format!(
        "rank 0 waits in MPI_Recv from rank 1 at {}, but rank 1 has come to its end (MPI_Finalize)",
        at("gone")
    );
    assert_eq!(reason(&finished), right);
}

#[test]
fn a_rank_that_waits_for_itself_is_the_reason() {
    let _alone = alone();
    let finished = hang("self", 3);
    assert_eq!(
        reason(&finished),
        format!("rank 1 waits in MPI_Ssend to rank 1 at {}: it waits for itself", at("self"))
    );
}

#[test]
fn ranks_of_another_communicator_have_their_numbers_in_the_world() {
    let _alone = alone();
    let finished =
        all_ranks_wait("split", 4, |rank| format!("MPI_Recv from rank {} (tag 0, 4 B, split 1)", (rank + 2) % 4));
    assert!(reason(&finished).starts_with("a cycle: rank 0"), "{finished:#?}");
}

/// Rank 0 waits for rank 1, which is in this collective of a window or a file.
fn is_a_collective(case: &str, call: &str) {
    let _alone = alone();
    let finished = hang(case, 3);
    let (receive, collective) = (at(&format!("{case} receive")), at(case));
    let right = format!(
        "a cycle: rank 0 waits in MPI_Recv from rank 1 at {receive}; rank 1 waits in {call}, which rank 0 has not entered, at {collective}"
    );
    assert_eq!(reason(&finished), right);
}

#[test]
fn windows_and_files_have_collectives_of_their_own() {
    is_a_collective("fence", "MPI_Win_fence (window 1)");
    is_a_collective("file", "MPI_File_set_size (file 1)");
}

#[test]
fn communicators_of_two_groups_are_known() {
    let _alone = alone();
    // A rank of one half receives from the rank of the other half that has the same number there.
    let finished = all_ranks_wait("inter", 4, |rank| {
        let from = if rank % 2 == 0 { rank + 1 } else { rank - 1 };
        format!("MPI_Recv from rank {from} (tag 6, 4 B, inter-communicator 2)")
    });
    assert!(reason(&finished).starts_with("a cycle: rank 0"), "{finished:#?}");
    let finished = hang("merge", 4);
    assert!(of_ranks(&finished)[0].starts_with("0 waits in MPI_Barrier"), "{finished:#?}");
    let merge = format!("1 waits in MPI_Intercomm_merge (inter-communicator 2) at {}", at("merge"));
    assert_eq!(of_ranks(&finished)[1], merge);
    let finished = hang("inter-missing", 4);
    let gone = "but ranks 1, 3 have come to their end (MPI_Finalize)";
    let right = format!("rank 0 waits in MPI_Intercomm_create at {}, {gone}", at("inter-missing"));
    assert_eq!(reason(&finished), right);
    let finished = hang("idup", 3);
    let right = "ranks 1, 2 have entered MPI_Comm_idup (MPI_COMM_WORLD), and rank 0 has come to the end without it";
    assert_eq!(reason(&finished), right);
}

#[test]
fn all_threads_count() {
    let _alone = alone();
    // The main thread has begun MPI and waits for two threads, which wait in MPI.
    let receive = |rank: usize| {
        let from = (rank + 2) % 3;
        format!("waits in MPI_Recv from rank {from} (tag 0, 4 B, MPI_COMM_WORLD) at {}", at("join"))
    };
    let finished = hang("join", 3);
    assert!(first(&finished).starts_with("deadlock: the job cannot go on"), "{finished:#?}");
    let both = |rank| format!("{rank} {}; another thread {}", receive(rank), receive(rank));
    assert_eq!(of_ranks(&finished), [0, 1, 2].map(both), "{finished:#?}");
    all_ranks_wait("many-requests", 3, |rank| {
        format!("MPI_Wait for MPI_Irecv from rank {} (tag 3, 4 B, MPI_COMM_WORLD)", (rank + 2) % 3)
    });
}

/// MPI libraries differ in whether the call waits for the receiver or takes the messages out of the buffer first.
#[test]
fn a_buffer_whose_messages_nobody_receives_is_named() {
    let _alone = alone();
    let finished = run(&mut watched(&["--deadline", "0.5"], 3, &program("hangs"), &["detach"]));
    let in_detach = format!("0 waits in MPI_Buffer_detach (MPI_COMM_WORLD) at {}", at("detach"));
    let ends = finished.code() == Some(0);
    assert!(ends || of_ranks(&finished)[0].starts_with(&in_detach), "{finished:#?}");
}

#[test]
fn strict_sends_show_a_deadlock_that_the_eager_limit_hides() {
    let _alone = alone();
    let small = |flags| watched(flags, 3, &program("hangs"), &["send-small"]);
    assert_eq!(succeed(&mut small(&["--deadline", "0.5"])), "it begins\nit ends\n");
    let finished = run(&mut small(&["--deadline", "0.5", "--strict-sends"]));
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(reason(&finished).contains(&at("send-small")), "{finished:#?}");
}

#[test]
fn correct_programs_whose_ranks_wait_for_long_are_left_alone() {
    let _alone = alone();
    let cases = [
        "slow-sender",
        "slow-computer",
        "wildcards",
        "ibarrier",
        "iallreduce",
        "late-end",
        "poll",
        "threads",
        "late-thread",
        "slow-operation",
        "merged",
        "persistent",
        "window",
        "communicators",
        "between",
        "file",
        "attribute",
        "detach",
        "inter-operation",
        "callback",
        "timed-wait",
        "refused",
    ];
    for case in cases {
        let stdout = succeed(&mut watched(&["--deadline", "0.5"], 4, &program("ends"), &[case]));
        assert_eq!(stdout, "it ends\n", "{case}");
    }
}

#[test]
fn a_program_without_debug_information_is_reported_with_names_of_functions() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("bare");
    fs::copy(program("hangs"), &bare).unwrap();
    succeed(Command::new("strip").arg("--strip-debug").arg(&bare));
    let finished = run(&mut watched(&["--deadline=0.5"], 3, &bare, &["receive"]));
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(of_ranks(&finished)[1].ends_with("at the function receive"), "{finished:#?}");
}

/// Where there is a Fortran compiler and the MPI of the build has the module.
fn fortran(module: &[&str]) {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hangs");
    // The one that belongs to the MPI of the build.
    let mut compile = Command::new(std::env::var("MPICC").unwrap_or("mpicc".into()).replace("mpicc", "mpif90"));
    match compile.args(["-g", "tests/foreign/hangs.F90", "-o"]).arg(&program).args(module).output() {
        Ok(output) if output.status.success() => {}
        other => return println!("left out, since mpif90 {module:?} compiles nothing here: {other:?}"),
    }
    let report = |flags: &[&str], case| {
        let finished = run(&mut watched(&[&["--deadline", "0.5"], flags].concat(), 3, &program, &[case]));
        assert_eq!(finished.code(), Some(3), "{case}: {finished:#?}");
        finished
    };
    let source = fs::read_to_string("tests/foreign/hangs.F90").unwrap();
    let at = |mark: &str| {
        let line = 1 + source.lines().position(|line| line.ends_with(&format!("! here: {mark}"))).expect("a mark");
        format!(" at ch4_mpi/tests/foreign/hangs.F90:{line}")
    };
    let finished = report(&[], "receive");
    let receive = format!("1 waits in MPI_Recv from rank 0 (tag 4, 4 B, MPI_COMM_WORLD){}", at("receive"));
    assert_eq!(of_ranks(&finished)[1], receive);
    let finished = report(&[], "wait");
    // Some versions of gfortran give this call the line of the `if` around it.
    let wait = "0 waits in MPI_Wait for MPI_Irecv from rank 2 (tag 4, 4 B, MPI_COMM_WORLD) at ch4_mpi/tests/foreign/hangs.F90:";
    assert!(of_ranks(&finished)[0].starts_with(wait), "{finished:#?}");
    let finished = report(&[], "barrier");
    let right = "ranks 1, 2 have entered MPI_Barrier (MPI_COMM_WORLD), and rank 0 has come to the end without it";
    assert_eq!(reason(&finished), right);
    let finished = report(&[], "split");
    let split = format!("1 waits in MPI_Recv from rank 2 (tag 4, 4 B, split 1){}", at("split"));
    assert_eq!(of_ranks(&finished)[1], split);
    for (case, reason_of_it) in [
        ("file", "a cycle: rank 0 waits in MPI_Recv from rank 1"),
        ("inter", "rank 0 waits in MPI_Intercomm_create"),
        ("group", "ranks 0, 1 have entered MPI_Barrier (communicator 1), and rank 2 has come to the end without it"),
        ("disconnect", "rank 0 waits in MPI_Recv from rank 2"),
        ("neighbours", "ranks 0, 1 have entered MPI_Neighbor_allgatherv (grid 1), and rank 2 has come to the end"),
    ] {
        let finished = report(&[], case);
        assert!(reason(&finished).contains(reason_of_it), "{case}: {finished:#?}");
    }
    let finished = report(&["--strict-sends"], "send");
    assert!(reason(&finished).contains(&at("send")), "{finished:#?}");
    for case in ["none", "send", "right"] {
        assert_eq!(succeed(&mut watched(&["--deadline", "0.5"], 3, &program, &[case])), "it ends\n", "{case}");
    }
}

#[test]
fn a_fortran_program_is_reported_with_its_lines() {
    fortran(&[]);
}

#[test]
fn a_program_in_the_fortran_of_2008_is_reported_too() {
    fortran(&["-DF08"]);
}

#[test]
fn bad_values_are_refused() {
    let _alone = alone();
    for flags in
        [&["--deadline", "x"][..], &["--deadline", "0"], &["--deadline", "-1"], &["--deadline="], &["--deadline", ""]]
    {
        let finished = run(&mut watched(flags, 2, &program("hangs"), &["receive"]));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{flags:?}: {finished:#?}");
        assert!(finished.stderr.starts_with("error: mpirun: --deadline"), "{finished:#?}");
    }
}

/// A program of the course needs no library: `--deadline` of the script is its default.
#[test]
fn a_program_of_the_course_obeys_the_script_too() {
    let _alone = alone();
    let deadlock = PathBuf::from(env!("CARGO_BIN_EXE_deadlock"));
    let finished = run(&mut watched(&["--deadline", "2"], 3, &deadlock, &[]));
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(first(&finished).ends_with("for 2 s"), "{finished:#?}");
    let finished = run(mpirun(3, &Command::new(&deadlock)).args(["--deadline", "0.3"]));
    assert!(first(&finished).ends_with("for 0.3 s"), "{finished:#?}");
}

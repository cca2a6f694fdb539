use std::process::Command;

use course::testing::contract::Program;

use crate::common;
use crate::common::hazard::{Hazard, runs};

const DEADLOCK: Program = Program {
    path: env!("CARGO_BIN_EXE_deadlock"),
    source: "src/bin/deadlock.rs",
    bad: &[&["--case"], &["--case", "none"], &["--case", "recv"], &["--repaired", "yes"], &["--ranks", "0"]],
    long: &[],
};

const CASES: [&str; 5] = ["recv-recv", "send-send", "collective", "wrong-tag", "missing-rank"];

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(DEADLOCK.path);
    command.args(flags);
    command
}

#[test]
fn the_ranks_of_a_repaired_case_print_in_their_order() {
    for case in CASES {
        for ranks in [4, 9] {
            let program = program(&["--case", case, "--repaired"]);
            let stdout = common::succeed(&mut common::mpirun(ranks, &program));
            let right: String =
                (0..ranks).map(|rank| format!("rank {rank} of {ranks}: every call has returned\n")).collect();
            assert_eq!(stdout, right, "{case}");
        }
    }
}

/// A case of the program as a hazard.
fn case(flags: &'static [&'static str], report: fn(&Hazard, usize) -> String) -> Hazard {
    let prints = |ranks| {
        let mut lines: Vec<_> =
            (0..ranks).map(|rank| format!("rank {rank} of {ranks}: every call has returned")).collect();
        lines.sort();
        lines
    };
    Hazard { program: DEADLOCK, flags, least: 2, report, prints }
}

/// The report of a deadlock: what each rank says, and the reason.
fn report(ranks: usize, says: impl Fn(usize) -> String, reason: &str) -> String {
    let lines: String = (0..ranks).map(|rank| format!("  rank {rank} {}\n", says(rank))).collect();
    format!(
        "deadlock: the job cannot go on; no rank has entered or left a call of MPI for 1 s\n{lines}reason: {reason}\n"
    )
}

#[test]
fn ranks_that_all_receive_first_wait_in_a_cycle() {
    let hazard = case(&[], |hazard, ranks| {
        let place = hazard.at("left.receive_into", 2);
        let call = |rank: usize| format!("MPI_Recv from rank {}", (rank + ranks - 1) % ranks);
        let says = |rank| format!("waits in {} (any tag, 4 B, MPI_COMM_WORLD) at {place}", call(rank));
        let step = |rank| format!("rank {rank} waits in {} at {place}", call(rank));
        let cycle: Vec<_> = [0].into_iter().chain((1..ranks).rev()).map(step).collect();
        report(ranks, says, &format!("a cycle: {}", cycle.join("; ")))
    });
    hazard.keeps_its_promises();
}

#[test]
fn ranks_that_all_send_first_wait_in_a_cycle() {
    let hazard = case(&["--case", "send-send"], |hazard, ranks| {
        let place = hazard.at("right.synchronous_send", 1);
        let call = |rank: usize| format!("MPI_Ssend to rank {}", (rank + 1) % ranks);
        let says = |rank| format!("waits in {} (tag 0, 4 B, MPI_COMM_WORLD) at {place}", call(rank));
        let cycle: Vec<_> = (0..ranks).map(|rank| format!("rank {rank} waits in {} at {place}", call(rank))).collect();
        report(ranks, says, &format!("a cycle: {}", cycle.join("; ")))
    });
    short_or_whole(&hazard);
}

#[test]
fn collectives_of_two_communicators_wait_for_each_other() {
    let hazard = case(&["--case", "collective"], |hazard, ranks| {
        let (of_world, of_other) = (hazard.at("world.all_reduce_into", 1), hazard.at("other.all_reduce_into", 2));
        let says = |rank| match rank {
            0 => format!("waits in MPI_Allreduce (4 B, duplicate 1) at {of_other}"),
            _ => format!("waits in MPI_Allreduce (4 B, MPI_COMM_WORLD) at {of_world}"),
        };
        let first = format!("rank 0 waits in MPI_Allreduce (duplicate 1), which rank 1 has not entered, at {of_other}");
        let second =
            format!("rank 1 waits in MPI_Allreduce (MPI_COMM_WORLD), which rank 0 has not entered, at {of_world}");
        report(ranks, says, &format!("a cycle: {first}; {second}"))
    });
    short_or_whole(&hazard);
}

#[test]
fn a_message_with_another_tag_is_not_received() {
    let hazard = case(&["--case", "wrong-tag"], |hazard, ranks| {
        let (send, receive) = (hazard.at("synchronous_send_with_tag", 1), hazard.at("receive_with_tag", 1));
        let says = |rank| match rank {
            0 => format!("waits in MPI_Ssend to rank 1 (tag 0, 4 B, MPI_COMM_WORLD) at {send}"),
            _ => format!("waits in MPI_Recv from rank 0 (tag 1, 4 B, MPI_COMM_WORLD) at {receive}"),
        };
        let first = format!("rank 0 waits in MPI_Ssend to rank 1 at {send}");
        let second = format!("rank 1 waits in MPI_Recv from rank 0 at {receive}");
        report(
            ranks,
            says,
            &format!("a cycle: {first}; {second}; the message has tag 0, and the receive waits for tag 1"),
        )
    });
    short_or_whole(&hazard);
}

#[test]
fn a_barrier_waits_for_the_rank_that_does_not_enter_it() {
    let hazard = case(&["--case", "missing-rank"], |hazard, ranks| {
        let (last, place) = (ranks - 1, hazard.at("team.barrier", 1));
        let says = |rank| match rank {
            rank if rank == last => "has come to its end (MPI_Finalize)".into(),
            _ => format!("waits in MPI_Barrier (duplicate 1) at {place}"),
        };
        let entered: Vec<_> = (0..last).map(|rank| rank.to_string()).collect();
        let entered = if last == 1 { "rank 0 has".into() } else { format!("ranks {} have", entered.join(", ")) };
        let reason =
            format!("{entered} entered MPI_Barrier (duplicate 1), and rank {last} has come to the end without it");
        report(ranks, says, &reason)
    });
    short_or_whole(&hazard);
}

/// In a short test only the first case keeps all promises.
fn short_or_whole(hazard: &Hazard) {
    if runs() > 1 { hazard.keeps_its_promises() } else { hazard.is_reported_and_repaired() }
}

#[test]
fn one_rank_is_too_few() {
    for case in CASES {
        let finished = common::run(common::hasty(&mut common::mpirun(1, &program(&["--case", case]))));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        assert!(finished.stderr.contains("this lesson needs at least 2, not 1"), "{finished:#?}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
}

use std::process::Command;

use course::testing::contract::Program;

use crate::common::hazard::Hazard;
use crate::common::run;

const TAG_MISMATCH: Hazard = Hazard {
    program: Program {
        path: env!("CARGO_BIN_EXE_tag_mismatch"),
        source: "src/bin/tag_mismatch.rs",
        bad: &[&["--repaired", "yes"], &["--ranks", "0"], &["--deadline", "-1"], &["2"]],
        long: &[],
    },
    flags: &[],
    least: 2,
    report,
    prints: |ranks| {
        let mut lines: Vec<_> =
            (1..ranks).map(|rank| format!("rank {rank} of {ranks}: the parts are [10, 20, 30]")).collect();
        lines.sort();
        lines
    },
};

#[test]
fn a_receive_with_a_tag_that_no_message_has_hangs_in_the_last_step() {
    TAG_MISMATCH.keeps_its_promises();
}

fn report(hazard: &Hazard, ranks: usize) -> String {
    let place = hazard.at("receive_with_tag", 1);
    let lines: String = (1..ranks)
        .map(|rank| format!("  rank {rank} waits in MPI_Recv from rank 0 (tag 3, 4 B, MPI_COMM_WORLD) at {place}\n"))
        .collect();
    format!(
        "deadlock: the job cannot go on; no rank has entered or left a call of MPI for 1 s\n  rank 0 has come to its end \
         (MPI_Finalize)\n{lines}reason: rank 1 waits in MPI_Recv from rank 0 at {place}, but rank 0 has come to its end \
         (MPI_Finalize)\n"
    )
}

#[test]
fn with_strict_sends_the_first_step_hangs_and_both_tags_are_named() {
    let finished = run(Command::new(TAG_MISMATCH.program.path).args(["--strict-sends", "--ranks", "3"]));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
    let (send, receive) = (TAG_MISMATCH.at("send_with_tag", 1), TAG_MISMATCH.at("receive_with_tag", 1));
    let right = format!(
        "deadlock: the job cannot go on; no rank has entered or left a call of MPI for 1 s\n  rank 0 waits in MPI_Send to rank 1 (tag \
         0, 4 B, MPI_COMM_WORLD) at {send}\n  rank 1 waits in MPI_Recv from rank 0 (tag 1, 4 B, MPI_COMM_WORLD) at {receive}\n  rank 2 \
         waits in MPI_Recv from rank 0 (tag 1, 4 B, MPI_COMM_WORLD) at {receive}\nreason: a cycle: rank 0 waits in MPI_Send to rank 1 \
         at {send}; rank 1 waits in MPI_Recv from rank 0 at {receive}; the message has tag 0, and the receive waits for tag 1\n"
    );
    assert_eq!(finished.stderr, right, "{finished:#?}");
    let finished = run(Command::new(TAG_MISMATCH.program.path).args(["--strict-sends", "--repaired"]));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
}

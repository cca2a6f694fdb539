use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, run, succeed};

const POINT_TO_POINT: Program = Program {
    path: env!("CARGO_BIN_EXE_point_to_point"),
    source: "src/bin/point_to_point.rs",
    bad: &[&["--number", "-1"], &["--number", "many"], &["--number", "18446744073709551616"], &["--ranks", "0"]],
    // The program has no pauses.
    long: &[],
};

/// What the ranks print. `text` is how the text is printed.
fn right(ranks: usize, number: u64, text: &str) -> String {
    let number_to = ranks / 2;
    let text_to = if ranks == 2 { 0 } else { ranks - 1 };
    let mut did = vec![Vec::new(); ranks];
    did[0].push(format!("sent {number} to rank {number_to}"));
    did[number_to].push(format!("received {number} from rank 0 with tag 1"));
    did[1].push(format!("sent {text} to rank {text_to}"));
    did[text_to].push(format!("received {text} from rank 1 with tag 2"));
    let mut lines = String::new();
    for (rank, did) in did.iter().enumerate() {
        let did = if did.is_empty() { "had no message".to_string() } else { did.join(" and ") };
        lines += &format!("rank {rank} of {ranks} {did}\n");
    }
    lines
}

#[test]
fn keeps_its_promises() {
    POINT_TO_POINT.keeps_its_own_promises();
}

#[test]
fn both_messages_arrive_with_any_number_of_ranks() {
    for ranks in [2, 3, 4, 5, 9, 12] {
        let stdout = succeed(&mut mpirun(ranks, &Command::new(POINT_TO_POINT.path)));
        assert_eq!(stdout, right(ranks, 1_000_000, "\"hello\""));
    }
}

#[test]
fn the_receivers_of_the_original_with_nine_ranks() {
    let stdout = POINT_TO_POINT.succeeds(&["--ranks", "9"]);
    assert!(stdout.contains("rank 4 of 9 received 1000000 from rank 0"), "{stdout}");
    assert!(stdout.contains("rank 8 of 9 received \"hello\" from rank 1"), "{stdout}");
}

#[test]
fn any_number_and_any_text() {
    // A text of this length does not fit the buffers of MPI, so its sender waits for the receiver.
    let long = "x".repeat(100_000);
    for (number, text) in [(0, ""), (u64::MAX, "two\nlines"), (1, &long)] {
        for ranks in [2, 3, 4] {
            let flags = ["--number", &number.to_string(), "--text", text, "--ranks", &ranks.to_string()];
            assert_eq!(POINT_TO_POINT.succeeds(&flags), right(ranks, number, &format!("{text:?}")));
        }
    }
}

#[test]
fn one_rank_is_too_few() {
    for finished in [POINT_TO_POINT.run(&["--ranks", "1"]), run(&mut mpirun(1, &Command::new(POINT_TO_POINT.path)))] {
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        assert_eq!(finished.stderr.matches("this lesson needs at least 2").count(), 1, "{finished:#?}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
}

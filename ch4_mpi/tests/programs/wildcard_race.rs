use std::collections::BTreeMap;

use course::testing::contract::Program;

use crate::common::hazard::Hazard;

#[test]
fn results_from_any_source_are_mixed_up_and_the_repaired_program_knows_their_sources() {
    Hazard {
        program: Program {
            path: env!("CARGO_BIN_EXE_wildcard_race"),
            source: "src/bin/wildcard_race.rs",
            bad: &[&["--repaired", "yes"], &["--ranks", "0"], &["--deadline", "-1"], &["2"]],
            long: &[],
        },
        least: 3,
        report,
        prints: |ranks| {
            let results: BTreeMap<_, _> = (1..ranks).map(|rank| (rank, rank * rank)).collect();
            let sources = sources(ranks);
            vec![format!("the messages came from the ranks {sources}, and the results are {results:?}")]
        },
    }
    .keeps_its_promises();
}

/// The schedule of the program: the last rank sends first.
fn sources(ranks: usize) -> String {
    (1..ranks).rev().map(|rank| rank.to_string()).collect::<Vec<_>>().join(", ")
}

fn report(hazard: &Hazard, ranks: usize) -> String {
    let source = |number| ranks - number;
    let results: BTreeMap<_, _> = (1..ranks).map(|rank| (rank, source(rank) * source(rank))).collect();
    let line = |number| {
        format!("  message {number} was taken for that of rank {number}, and it came from rank {}\n", source(number))
    };
    let lines: String = (1..ranks).map(line).collect();
    format!(
        "wrong result: rank 0 has the results {results:?} (rank: result), and each should be the square of the rank\n{lines}reason: \
         the receive at {} takes the message of any source; the ranks sent in this order: {}\n",
        hazard.at("any_process().receive", 1),
        sources(ranks)
    )
}

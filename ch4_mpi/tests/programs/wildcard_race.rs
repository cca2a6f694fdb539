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
        flags: &[],
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
    let place = hazard.at("any_process().receive", 1);
    let line = |number| {
        let source = source(number);
        format!(
            "  message {number}, received at {place}, was taken for that of rank {number}, and it came from rank {source}\n"
        )
    };
    let lines: String = (1..ranks).map(line).collect();
    format!(
        "wrong result: rank 0 has {results:?}, and the results are not the squares of the ranks\n{lines}reason: messages of different \
         ranks have no order; here the ranks sent in this order: {}\n",
        sources(ranks)
    )
}

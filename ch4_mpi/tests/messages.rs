//! The messages and the collectives of a job are in its pictures: each from its sender to its receiver.
#![cfg(mpi)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use common::{mpirun, succeed};
use serde_json::Value;

/// A run of a program with all three pictures.
struct Drawn {
    chart: String,
    svg: String,
    trace: Value,
}

fn draw(program: &str, ranks: usize, flags: &[&str]) -> Drawn {
    let folder = tempfile::tempdir().unwrap();
    let (svg, trace) = (folder.path().join("lanes.svg"), folder.path().join("lanes.json"));
    let mut command = Command::new(program);
    command.args(flags).arg("--timeline").arg("--svg").arg(&svg).arg("--trace").arg(&trace);
    let chart = succeed(&mut mpirun(ranks, &command));
    let trace = serde_json::from_str(&fs::read_to_string(trace).unwrap()).unwrap();
    Drawn { chart, svg: fs::read_to_string(svg).unwrap(), trace }
}

impl Drawn {
    /// How many messages go from a rank to a rank. Asserts that none arrives before it is sent.
    fn messages(&self) -> BTreeMap<(u64, u64), usize> {
        let events = self.trace["traceEvents"].as_array().unwrap();
        let mut sent = BTreeMap::new();
        let mut pairs = BTreeMap::new();
        for event in events.iter().filter(|event| event["cat"] == "message") {
            let id = event["id"].as_u64().unwrap();
            // The process of a rank has the number of the rank plus 1.
            let (rank, at) = (event["pid"].as_u64().unwrap() - 1, event["ts"].as_f64().unwrap());
            if event["ph"] == "s" {
                assert!(sent.insert(id, (rank, at, event["args"].clone())).is_none(), "{event}");
            } else {
                let (sender, begin, args) = sent.remove(&id).expect("a message that was sent");
                assert!(begin <= at, "{event}");
                assert_eq!(args, event["args"]);
                *pairs.entry((sender, rank)).or_default() += 1;
            }
        }
        assert!(sent.is_empty(), "{sent:?}");
        pairs
    }

    fn line(&self, rank: usize) -> &str {
        self.chart.lines().find_map(|line| line.strip_prefix(&format!("rank {rank}: sent "))).expect("a line of sums")
    }

    fn arrows(&self) -> usize {
        self.svg.matches("<path class=\"message\"").count()
    }
}

#[test]
fn a_token_goes_round_the_ring_in_both_ways() {
    let drawn = draw(env!("CARGO_BIN_EXE_ring"), 3, &["--rounds", "5", "--work", "0"]);
    // In 5 rounds of 2 ways each rank sends the token to its right neighbour.
    assert_eq!(drawn.messages(), BTreeMap::from([((0, 1), 10), ((1, 2), 10), ((2, 0), 10)]));
    assert_eq!(drawn.arrows(), 30);
    assert_eq!(drawn.line(1), "10 messages, 80 B, to rank 2; received 10 messages, 80 B, from rank 0");
}

#[test]
fn a_receiver_that_knows_neither_source_nor_length_gets_the_arrow() {
    let drawn = draw(env!("CARGO_BIN_EXE_point_to_point"), 5, &[]);
    assert_eq!(drawn.messages(), BTreeMap::from([((0, 2), 1), ((1, 4), 1)]));
    assert_eq!(drawn.line(4), "none; received 1 message, 5 B, from rank 1");
    assert!(drawn.svg.contains("<title>rank 1 to rank 4: 5 B, tag 2, "), "{}", drawn.svg);
}

#[test]
fn requests_that_are_waited_for_together_are_messages_too() {
    let drawn = draw(env!("CARGO_BIN_EXE_halo"), 4, &["--size", "16", "--iterations", "3"]);
    // A grid of 2 by 2 ranks: each has two neighbours; two ways of three iterations.
    let pairs = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2)];
    assert_eq!(drawn.messages(), pairs.into_iter().map(|pair| (pair, 6)).collect());
    // An edge of 8 cells of 8 bytes.
    assert_eq!(drawn.line(0), "12 messages, 768 B, to ranks 1, 2; received 12 messages, 768 B, from ranks 1, 2");
}

#[test]
fn many_messages_are_left_out_and_the_sums_have_them() {
    let drawn = draw(env!("CARGO_BIN_EXE_ping_pong"), 2, &["--only", "8", "--rounds", "20000"]);
    let messages: usize = drawn.messages().values().sum();
    // 20,000 timed rounds and 2,001 before them.
    assert_eq!(drawn.line(0), "22001 messages, 176.0 kB, to rank 1; received 22001 messages, 176.0 kB, from rank 1");
    assert!((100..=500).contains(&messages), "{messages}");
    assert!(drawn.chart.contains(&format!("{} messages are not drawn; the sums include them", 44002 - messages)));
}

#[test]
fn a_collective_is_one_band_over_its_ranks() {
    let drawn = draw(env!("CARGO_BIN_EXE_scatter"), 4, &[]);
    for call in ["MPI_Scatterv", "MPI_Barrier", "MPI_Allreduce"] {
        assert_eq!(drawn.svg.matches(&format!("<title>{call} of 4 ranks</title>")).count(), 1, "{call}: {}", drawn.svg);
    }
    assert_eq!(drawn.arrows(), 0);
    let events = drawn.trace["traceEvents"].as_array().unwrap();
    let of_barrier = events.iter().filter(|event| event["name"] == "MPI_Barrier" && event["ph"] == "b");
    assert_eq!(of_barrier.count(), 4);
}

/// The library's own calls, which gather the record itself, are not the program's.
#[test]
fn no_call_is_drawn_that_the_program_does_not_make() {
    let drawn = draw(env!("CARGO_BIN_EXE_scatter"), 3, &[]);
    let events = drawn.trace["traceEvents"].as_array().unwrap();
    let mut calls: Vec<&str> =
        events.iter().filter(|event| event["cat"] == "wait").filter_map(|it| it["name"].as_str()).collect();
    calls
        .retain(|call| !["MPI_Scatterv (", "MPI_Barrier (", "MPI_Allreduce ("].iter().any(|own| call.starts_with(own)));
    assert_eq!(calls, [""; 0]);
}

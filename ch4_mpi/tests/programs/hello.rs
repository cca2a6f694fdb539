use std::process::Command;

use course::testing::contract::Program;

use crate::common::{mpirun, succeed};

const HELLO: Program = Program {
    path: env!("CARGO_BIN_EXE_hello"),
    source: "src/bin/hello.rs",
    bad: &[&["--ranks", "0"], &["--ranks", "1025"]],
    // The program has no pauses.
    long: &[],
};

#[test]
fn keeps_its_promises() {
    HELLO.keeps_its_own_promises();
}

#[test]
fn every_rank_says_hello_in_the_order_of_the_ranks() {
    for ranks in [1, 2, 3, 4, 5, 9, 12] {
        let stdout = succeed(&mut mpirun(ranks, &Command::new(HELLO.path)));
        let mut tails = Vec::new();
        for (rank, line) in stdout.lines().enumerate() {
            let start = format!("rank {rank} of {ranks} on ");
            tails.push(line.strip_prefix(&start).unwrap_or_else(|| panic!("{line} does not start with {start}")));
        }
        assert_eq!(tails.len(), ranks, "{stdout}");
        // All ranks run on this host, so they all say the same.
        assert!(tails.iter().all(|tail| *tail == tails[0]), "{stdout}");
        let library = tails[0].split_once(" cores): hello from MPI ").expect(tails[0]).1;
        assert!(["Open MPI", "MPICH", "Intel"].iter().any(|name| library.contains(name)), "{stdout}");
    }
}

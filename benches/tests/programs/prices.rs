//! `prices` as a program: every operation has a price in every way that can run here.

use std::process::Command;
use std::time::Duration;

use benches::mpi;
use benches::peers::{self, Peer};
use benches::prices::{Operation, Price};
use course::program::{Finished, run};

fn prices(args: &[&str]) -> Finished {
    let finished = run(Command::new(env!("CARGO_BIN_EXE_prices")).args(args), Duration::from_secs(240));
    finished.expect("the program starts")
}

#[test]
fn every_way_has_a_price() {
    // They are built here, so that no build takes the time of the program.
    let (mpi, peers) = (mpi::available(), peers::found());
    let finished = prices(&["--json"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let prices: Vec<Price> = finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a price")).collect();
    for price in &prices {
        assert!(!price.seconds.is_empty() && price.seconds.iter().all(|&seconds| seconds > 0.0), "{price:?}");
    }
    let has = |operation, part: &str| {
        let mut own = prices.iter().filter(|price| price.operation == operation);
        assert!(own.any(|price| price.way.contains(part)), "{operation:?}, {part}: {}", finished.stdout);
    };
    use Operation::{Barrier, ContendedLock, FreeLock, LongMessage, ShortMessage, StartAndEnd};
    for way in ["std thread", "scoped thread", "rayon join", "rayon task", "tokio task", "pool of processes", "process"]
    {
        has(StartAndEnd, way);
    }
    for way in ["crossbeam channel", "std channel", "tokio channel", "pipe", "process queue", "in shared memory"] {
        has(ShortMessage, way);
        has(LongMessage, way);
    }
    for way in ["std barrier", "spinning barrier", "barrier of processes"] {
        has(Barrier, way);
    }
    for way in ["std mutex", "parking_lot mutex", "tokio mutex", "lock of processes"] {
        has(FreeLock, way);
        has(ContendedLock, way);
    }
    for operation in [StartAndEnd, ShortMessage, LongMessage, Barrier] {
        let found = |peer| peers.contains(&peer);
        let programs =
            [(mpi.is_ok(), "MPI"), (found(Peer::CMpi), "C"), (found(Peer::C), "C:"), (found(Peer::Mpi4py), "mpi4py")];
        programs.into_iter().filter(|(found, _)| *found).for_each(|(_, part)| has(operation, part));
    }
    let crowded = |price: &Price| price.operation == ContendedLock && price.workers > 2;
    assert!(prices.iter().any(crowded), "with 2 workers and with more than there are cores");
}

#[test]
fn the_table_is_by_operation() {
    let finished = prices(&["--no-peers", "--workers", "3"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    for operation in Operation::ALL {
        assert!(finished.stdout.contains(operation.title()), "{operation:?}: {}", finished.stdout);
    }
    assert!(finished.stdout.contains("barrier, workers: 3") && !finished.stdout.contains("Python"));
}

#[test]
fn bad_flags_are_usage_errors() {
    for args in [&["--workers", "1"][..], &["--workers", "two"], &["--rounds"], &["what"]] {
        let finished = prices(args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
}

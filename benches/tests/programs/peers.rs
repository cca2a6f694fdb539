//! The programs in C and Python: each kernel has all of them, and those that can run here are right.

use std::process::Command;
use std::time::Duration;

use benches::peers::{self, Peer};
use ch1_parallel::kernels::{Kernel, Problem};
use clap::ValueEnum;
use course::program;

/// The kernels that peers solve.
fn kernels() -> impl Iterator<Item = &'static Kernel> {
    Kernel::value_variants().iter().filter(|&&kernel| peers::size(kernel).is_some())
}

#[test]
fn every_kernel_has_every_peer() {
    for kernel in kernels() {
        for peer in Peer::ALL {
            let source = std::fs::read_to_string(peer.source(*kernel))
                .unwrap_or_else(|error| panic!("{kernel} {peer}: {error}"));
            assert!(peers::lines(&source) > 10, "{kernel} {peer}");
        }
    }
}

#[test]
fn the_peers_that_can_run_here_are_right() {
    for missing in peers::missing() {
        println!("{missing}");
    }
    if benches::machine::on_path("gcc").is_ok() {
        assert!(peers::found().contains(&Peer::C) && peers::found().contains(&Peer::OpenMp));
    }
    for kernel in kernels() {
        for &peer in peers::found() {
            for (size, workers) in [(kernel.least_size(), 1), (13, 2), (100, 3)] {
                let problem = Problem { size, workers, iterations: 3, grain: 100, ..Problem::DEFAULT };
                let measured =
                    peer.solve(*kernel, &problem).unwrap_or_else(|error| panic!("{kernel} {peer}: {error:#}"));
                assert_eq!(measured.wrong, None, "{kernel} of size {size} by {peer}, {workers} workers");
                assert_eq!(measured.seconds.len(), 3, "{kernel} of size {size} by {peer}");
                assert!(measured.seconds.iter().all(|seconds| (0.0..60.0).contains(seconds)), "{measured:?}");
            }
        }
    }
}

#[test]
fn bad_arguments_are_refused() {
    if !peers::found().contains(&Peer::C) {
        println!("without gcc");
        return;
    }
    let problem = Problem { size: 4, workers: 1, iterations: 3, ..Problem::DEFAULT };
    let error = Peer::C.solve(Kernel::Stencil, &problem).expect_err("a stencil of size 4");
    assert!(error.to_string().starts_with("C: SIZE is not"), "{error:#}");
    let program = benches::examples::root().join("target/peers/stencil_serial");
    let finished = program::run(Command::new(program).arg("x"), Duration::from_secs(60)).expect("it starts");
    assert_eq!(finished.code(), Some(2), "{finished:?}");
    assert_eq!((finished.stdout.as_str(), finished.stderr.lines().count()), ("", 1), "{finished:?}");
}

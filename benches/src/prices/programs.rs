//! The prices of MPI, and those of C and Python: programs that print one line of JSON for each price.
//!
//! A program measures all its operations in one run, because its start takes longer than they do.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use super::{Extent, Operation, Price};
use crate::peers::{self, Peer};
use crate::{mpi, printed};

/// A program runs at most this long.
const LIMIT: Duration = Duration::from_secs(60);

/// A program and its number of workers.
pub struct Program {
    name: String,
    workers: usize,
    command: Box<dyn Fn() -> anyhow::Result<Command>>,
    /// The way whose price is the time from the start of the program to its end.
    launch: Option<String>,
}

/// The peers that have prices, and their sources in the folder `peers`.
const PEERS: [(Peer, &str); 5] = [
    (Peer::C, "c/prices_threads.c"),
    (Peer::OpenMp, "c/prices_openmp.c"),
    (Peer::CMpi, "c/prices_mpi.c"),
    (Peer::Multiprocessing, "python/prices_multiprocessing.py"),
    (Peer::Mpi4py, "python/prices_mpi4py.py"),
];

/// What is missing for the other ways, one line each.
#[must_use]
pub fn missing(extent: Extent) -> Vec<String> {
    let mpi = mpi::available().err().map(|missing| format!("without the prices of MPI: {missing:#}"));
    let peers = if extent == Extent::WithPeers { peers::missing() } else { Vec::new() };
    mpi.into_iter().chain(peers).collect()
}

/// The programs that can run here, once for each number of workers, and the launch of ranks.
pub fn all(sizes: &[usize], extent: Extent) -> anyhow::Result<Vec<Program>> {
    let mut programs = Vec::new();
    let launch = |name: &str, command| Program {
        name: format!("{name}, launch"),
        workers: 2,
        command,
        launch: Some(format!("{name}, launch of a job")),
    };
    // Messages between ranks and between processes of C and Python are measured with 2 workers.
    let sizes: BTreeSet<usize> = sizes.iter().copied().filter(|&workers| workers > 1).chain([2]).collect();
    if mpi::available().is_ok() {
        programs.push(launch("MPI", Box::new(|| mpi::prices(2, true))));
        for &workers in &sizes {
            let command = Box::new(move || mpi::prices(workers, false));
            programs.push(Program { name: "MPI".into(), workers, command, launch: None });
        }
    }
    if extent == Extent::Rust {
        return Ok(programs);
    }
    for (peer, source) in PEERS.into_iter().filter(|(peer, _)| peers::found().contains(peer)) {
        let command = move |workers: usize, arguments: &[&str]| {
            let mut command = peer.command(&peers::folder().join(source), workers)?;
            command.arg(workers.to_string()).args(arguments);
            Ok(command)
        };
        if matches!(peer, Peer::CMpi | Peer::Mpi4py) {
            programs.push(launch(&peer.to_string(), Box::new(move || command(2, &["launch"]))));
        }
        for &workers in &sizes {
            let command = Box::new(move || command(workers, &[]));
            programs.push(Program { name: peer.to_string(), workers, command, launch: None });
        }
    }
    Ok(programs)
}

impl Program {
    /// Runs the program once.
    pub fn measure(&self) -> anyhow::Result<Vec<Price>> {
        let Self { name, workers, .. } = self;
        let finished = printed::run(name, &mut (self.command)()?, LIMIT)?;
        ensure!(finished.code() == Some(0), "{name}, {workers} workers: {}", printed::reason(&finished));
        if let Some(way) = self.launch.clone() {
            let seconds = vec![finished.took.as_secs_f64()];
            return Ok(vec![Price { operation: Operation::StartAndEnd, way, workers: *workers, seconds }]);
        }
        let prices: Vec<Price> = printed::results(name, &finished)?;
        let sane = |price: &Price| !price.seconds.is_empty() && price.seconds.iter().all(|&seconds| seconds > 0.0);
        ensure!(prices.iter().all(sane), "{name}: a price that is not above 0");
        Ok(prices)
    }
}

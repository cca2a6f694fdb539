//! What the forecast knows about a cluster: the parameters that the program `loggp_mpi` has measured. They are kept as JSON,
//! so that the parameters of another cluster can be used too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use ch1_parallel::kernels::Kernel;
use serde::{Deserialize, Serialize};

/// The kernels that the model predicts.
pub const KERNELS: [Kernel; 3] = [Kernel::Stencil, Kernel::Transpose, Kernel::Count];

/// The parameters of a cluster. All times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The cores of a node.
    pub cores: usize,
    /// The jobs that have measured. The number of ranks on a node differs from job to job.
    pub jobs: Vec<Job>,
}

/// What a job of some ranks has measured: a line of `loggp_mpi`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The node of each rank: 0, 1, ...
    pub nodes: Vec<usize>,
    /// The MPI, which decides how collectives work: `Open MPI v4.1.4`.
    pub library: String,
    /// How many ranks computed on one core, in turns: 1 if each rank had a core.
    #[serde(default = "one")]
    pub ranks_of_a_core: f64,
    /// A message between ranks of one node.
    pub node: Option<Link>,
    /// A message between ranks of different nodes.
    pub network: Option<Link>,
    /// A barrier of all ranks.
    pub barrier: f64,
    /// A sum of one number over all ranks.
    pub all_reduce: f64,
    /// For a kernel: pairs of the bytes of a rank's data and the seconds of a cell (of `count`: of a step of a task), while all
    /// ranks of the job compute.
    pub rates: BTreeMap<Kernel, Vec<(f64, f64)>>,
}

/// The parameters of the LogGP model between two ranks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// L: the time that a short message is under way, without the overheads.
    pub latency: f64,
    /// o of the sender: how long it is busy with a message.
    pub send_overhead: f64,
    /// o of the receiver.
    pub receive_overhead: f64,
    /// g: the time between two messages of a rank that follow each other.
    pub gap: f64,
    /// The longest message that is sent before its receiver asks for it, in bytes.
    pub eager_limit: f64,
    /// G up to the eager limit: the time for each byte.
    pub eager_gap_per_byte: f64,
    /// G above the eager limit.
    pub rendezvous_gap_per_byte: f64,
    /// What a message above the eager limit needs in addition: the sender asks the receiver, which answers.
    pub handshake: f64,
    /// Pairs of a number of bytes and of seconds: in this time a rank sends a message of this length to one rank and receives one
    /// from another rank, while all ranks do the same. G depends on the length, and on whether messages go both ways. So these
    /// pairs are used instead of G, unless there are none.
    #[serde(default)]
    pub both_ways: Vec<(f64, f64)>,
    /// Pairs of a number of bytes and of seconds: for how long a message of this length occupies the network connection of its node
    /// while several ranks of the node send and receive. If there are none, it does so for as long as its bytes need.
    #[serde(default)]
    pub occupancy: Vec<(f64, f64)>,
}

impl Parameters {
    /// The parameters in a file.
    ///
    /// # Errors
    /// It cannot be read, or a value makes no sense.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let text = fs::read_to_string(path).with_context(named)?;
        let parameters: Self = serde_json::from_str(&text).with_context(named)?;
        parameters.check().with_context(named)?;
        Ok(parameters)
    }

    /// Whether all values make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=100_000).contains(&self.cores), "cores: {} is not from 1 to 100000", self.cores);
        ensure!(
            self.jobs.iter().any(|job| job.nodes.len() == 1),
            "jobs: none has one rank, whose rate is that of a rank alone"
        );
        self.jobs
            .iter()
            .enumerate()
            .try_for_each(|(number, job)| job.check().with_context(|| format!("jobs[{number}]")))
    }

    /// Whether some job has measured the link between nodes.
    #[must_use]
    pub fn has_network(&self) -> bool {
        self.jobs.iter().any(|job| job.network.is_some())
    }
}

impl Job {
    /// How many ranks its fullest node has.
    #[must_use]
    pub fn ranks_of_a_node(&self) -> usize {
        (0..self.node_count()).map(|node| self.nodes.iter().filter(|&&of| of == node).count()).max().unwrap_or(1)
    }

    /// How many nodes it has.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.iter().max().map_or(1, |last| last + 1)
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.nodes.is_empty() && self.nodes.iter().all(|&node| node < self.nodes.len()), "nodes: a bad list");
        let ranks = self.ranks_of_a_core;
        ensure!((1.0..=1e5).contains(&ranks), "ranks_of_a_core: {ranks} is not from 1 to 100000");
        time("barrier", self.barrier)?;
        time("all_reduce", self.all_reduce)?;
        for (name, link) in [("node", &self.node), ("network", &self.network)] {
            link.iter().try_for_each(Link::check).context(name)?;
        }
        for (kernel, rates) in &self.rates {
            ensure!(KERNELS.contains(kernel), "rates: {kernel} is not stencil, transpose or count");
            ensure!(!rates.is_empty(), "rates of {kernel}: there is none");
            ascending(rates).with_context(|| format!("rates of {kernel}"))?;
            ensure!(rates.iter().all(|rate| rate.1 > 0.0), "rates of {kernel}: one is 0");
        }
        Ok(())
    }
}

impl Link {
    fn check(&self) -> anyhow::Result<()> {
        for (name, value) in [
            ("latency", self.latency),
            ("send_overhead", self.send_overhead),
            ("receive_overhead", self.receive_overhead),
            ("gap", self.gap),
            ("eager_gap_per_byte", self.eager_gap_per_byte),
            ("rendezvous_gap_per_byte", self.rendezvous_gap_per_byte),
            ("handshake", self.handshake),
        ] {
            time(name, value)?;
        }
        ensure!((0.0..=1e12).contains(&self.eager_limit), "eager_limit: {} is no number of bytes", self.eager_limit);
        ascending(&self.both_ways).context("both_ways")?;
        ascending(&self.occupancy).context("occupancy")
    }
}

fn one() -> f64 {
    1.0
}

fn time(name: &str, seconds: f64) -> anyhow::Result<()> {
    ensure!((0.0..=3600.0).contains(&seconds), "{name}: {seconds} is not from 0 to 3600 seconds");
    Ok(())
}

fn ascending(pairs: &[(f64, f64)]) -> anyhow::Result<()> {
    for &(bytes, seconds) in pairs {
        ensure!((0.0..=1e15).contains(&bytes), "{bytes} is no number of bytes");
        time("the time", seconds)?;
    }
    if let Some(two) = pairs.windows(2).find(|two| two[0].0 >= two[1].0) {
        bail!("{} bytes do not stand before {} bytes", two[0].0, two[1].0);
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn link(latency: f64) -> Link {
        Link {
            latency,
            send_overhead: 2e-7,
            receive_overhead: 3e-7,
            gap: 4e-7,
            eager_limit: 4096.0,
            eager_gap_per_byte: 2e-10,
            rendezvous_gap_per_byte: 1e-10,
            handshake: 2.0 * latency,
            both_ways: Vec::new(),
            occupancy: Vec::new(),
        }
    }

    /// A rank alone needs 1 ns for a cell, and 1.5 ns beside another one.
    pub fn parameters() -> Parameters {
        let job = |nodes: &[usize], node, network, rate: f64| Job {
            nodes: nodes.to_vec(),
            library: "Open MPI v4.1.4".into(),
            ranks_of_a_core: 1.0,
            node,
            network,
            barrier: 3e-5,
            all_reduce: 4e-5,
            rates: KERNELS.map(|kernel| (kernel, vec![(1e3, rate), (1e9, rate)])).into(),
        };
        Parameters {
            cores: 2,
            jobs: vec![
                job(&[0], None, None, 1e-9),
                job(&[0, 0], Some(link(1e-6)), None, 1.5e-9),
                job(&[0, 1], None, Some(link(1e-5)), 1e-9),
            ],
        }
    }

    #[test]
    fn good_parameters_are_the_same_after_writing_and_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parameters.json");
        fs::write(&path, serde_json::to_string_pretty(&parameters()).unwrap()).unwrap();
        assert_eq!(Parameters::load(&path).unwrap(), parameters());
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        type Spoil = fn(&mut Parameters);
        let bad: [(Spoil, &str); 11] = [
            (|all| all.cores = 0, "cores: 0"),
            (|all| drop(all.jobs.remove(0)), "jobs: none has one rank"),
            (|all| all.jobs[1].nodes.clear(), "jobs[1]: nodes: "),
            (|all| all.jobs[1].ranks_of_a_core = 0.5, "jobs[1]: ranks_of_a_core: 0.5"),
            (|all| all.jobs[1].barrier = -1.0, "jobs[1]: barrier: -1 is not"),
            (|all| all.jobs[1].node.as_mut().unwrap().latency = f64::NAN, "jobs[1]: node: latency: NaN"),
            (|all| all.jobs[2].network.as_mut().unwrap().gap = 1e9, "jobs[2]: network: gap"),
            (
                |all| all.jobs[2].network.as_mut().unwrap().both_ways = vec![(8.0, 1.0), (8.0, 2.0)],
                "both_ways: 8 bytes do not",
            ),
            (|all| all.jobs[2].network.as_mut().unwrap().occupancy = vec![(8.0, -1.0)], "occupancy: the time: -1"),
            (|all| all.jobs[0].rates.values_mut().for_each(Vec::clear), "rates of stencil: there is none"),
            (|all| all.jobs[0].rates.values_mut().for_each(|rates| rates[0].1 = 0.0), "rates of stencil: one is 0"),
        ];
        for (spoil, why) in bad {
            let mut spoilt = parameters();
            spoil(&mut spoilt);
            let error = format!("{:#}", spoilt.check().unwrap_err());
            assert!(error.contains(why) && !error.contains('\n'), "{why}: {error}");
        }
        parameters().check().unwrap();
    }
}

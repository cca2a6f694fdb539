//! Measures the parameters: starts `loggp_mpi` with some numbers of ranks.

use std::time::Duration;

use anyhow::Context;
use ch1_parallel::kernels::{Kernel, quartiles};
use serde_json::Value;

use super::parameters::{Job, Parameters};
use crate::{machine, mpi, printed};

/// A job that hangs must not block the program for ever.
const LIMIT: Duration = Duration::from_secs(300);

/// How many times each job measures: other programs on the machine may disturb one of the measurements.
const ROUNDS: usize = 3;

/// Measures this machine, or the hosts on which the launcher starts ranks, for one kernel. `remark` is
/// told what is measured.
///
/// # Errors
/// There is no MPI, or a job fails.
pub fn measure(kernel: Kernel, ranks_per_node: Option<usize>, remark: impl Fn(&str)) -> anyhow::Result<Parameters> {
    let cores = machine::usable_cores();
    let most = ranks_per_node.unwrap_or(cores).min(4 * cores);
    let mut sizes: Vec<_> = (0..).map(|power| 1 << power).take_while(|&ranks| ranks < most).collect();
    sizes.push(most);
    if machine::may_have_hosts() {
        sizes.push(2 * most);
    }
    let mut values: Vec<Vec<Value>> = vec![Vec::new(); sizes.len()];
    for round in 0..ROUNDS {
        for (ranks, values) in sizes.iter().zip(&mut values) {
            remark(&format!("measuring with {ranks} ranks, round {} of {ROUNDS}", round + 1));
            values.push(run(*ranks, Some(kernel))?);
        }
    }
    let jobs = values.iter().map(|values| job(values)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut parameters = Parameters { cores, jobs };
    if !parameters.has_network() {
        remark("there is one node: TCP on this node stands in for the network between nodes");
        parameters.jobs.push(stand_in()?);
    }
    parameters.check()?;
    Ok(parameters)
}

/// What a job of these ranks measures: messages, and the rates of one kernel or of all.
///
/// # Errors
/// There is no MPI, or the job fails.
pub fn run(ranks: usize, kernel: Option<Kernel>) -> anyhow::Result<Value> {
    let mut command = mpi::loggp(ranks)?;
    command.args(kernel.map(|kernel| format!("--kernel={kernel}")));
    let values = printed::results("loggp_mpi", &printed::run("loggp_mpi", &mut command, LIMIT)?)?;
    values.into_iter().next().context("loggp_mpi: no result")
}

/// Two ranks of this node that talk as if they were on different nodes.
fn stand_in() -> anyhow::Result<Job> {
    let mut values = Vec::new();
    for _ in 0..ROUNDS {
        let mut command = mpi::loggp(2)?;
        // The first is for Open MPI, the second for MPICH.
        command.arg("--messages").env("OMPI_MCA_btl", "tcp,self").env("MPIR_CVAR_NOLOCAL", "1");
        let value: Vec<Value> = printed::results("loggp_mpi", &printed::run("loggp_mpi", &mut command, LIMIT)?)?;
        values.extend(value);
    }
    let mut job = job(&values)?;
    job.network = job.node.take();
    job.nodes = vec![0, 1];
    Ok(job)
}

/// One job from what it has measured in several rounds.
///
/// # Errors
/// It is not what `loggp_mpi` prints.
pub fn job(rounds: &[Value]) -> anyhow::Result<Job> {
    serde_json::from_value(merged(&rounds.iter().collect::<Vec<_>>())).context("loggp_mpi: its output")
}

/// The same value with each of its numbers as a quarter of the rounds do not exceed it: other programs make a time longer, and
/// never shorter.
fn merged(rounds: &[&Value]) -> Value {
    let of = |key: &dyn Fn(&Value) -> Option<Value>| rounds.iter().filter_map(|round| key(round)).collect::<Vec<_>>();
    match rounds.first() {
        Some(Value::Object(first)) => {
            // The lengths of the measured messages depend on the eager limit, so only rounds with the same limit are merged.
            let limits = of(&|round| round.get("eager_limit").cloned());
            let most_often = limits.iter().max_by_key(|limit| limits.iter().filter(|other| other == limit).count());
            let same: Vec<_> = rounds.iter().filter(|round| round.get("eager_limit") == most_often).collect();
            let field = |key: &String| {
                let values: Vec<_> = same.iter().filter_map(|round| round.get(key)).collect();
                (key.clone(), merged(&values))
            };
            Value::Object(first.keys().map(field).collect())
        }
        Some(Value::Array(first)) => {
            let element =
                |index: usize| merged(&rounds.iter().filter_map(|round| round.get(index)).collect::<Vec<_>>());
            Value::Array((0..first.len()).map(element).collect())
        }
        Some(Value::Number(first)) => {
            let numbers: Vec<f64> = rounds.iter().filter_map(|round| round.as_f64()).collect();
            if first.is_f64() { quartiles(&numbers)[0].into() } else { Value::Number(first.clone()) }
        }
        Some(&first) => first.clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rounds_are_merged_number_by_number() {
        let round = |time: f64, limit: u64| json!({"nodes": [0, 0], "node": {"latency": time, "eager_limit": limit}, "none": null});
        let merged = merged(&[&round(3.0, 8), &round(2.0, 8), &round(1.0, 4), &round(4.0, 8), &round(5.0, 8)]);
        assert_eq!(merged, round(2.0, 8));
    }
}

//! Compares the forecast with real runs, on as many ranks as this machine or the hosts of the launcher have room for.

use std::fmt;
use std::iter;

use anyhow::ensure;
use ch1_parallel::kernels::{Kernel, Problem, median, quartiles};
use serde::Serialize;
use serde_json::Value;

use super::measure;
use super::model::{Layout, Question, forecast};
use super::parameters::{KERNELS, Parameters};
use crate::units::duration;
use crate::{machine, mpi};

/// The seconds of the iterations of one measurement of a case.
const SECONDS: f64 = 0.3;

/// What is compared.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kernel; without one, all that the model predicts.
    pub kernel: Option<Kernel>,
    /// The size; without one, some sizes for each kernel.
    pub size: Option<usize>,
    /// The number to which a task of `count` counts.
    pub grain: u64,
    /// The numbers of ranks.
    pub ranks: Vec<usize>,
    /// How many times everything is measured: in each round the parameters, and then the cases.
    pub rounds: usize,
}

/// A kernel of one size on one number of ranks, and its times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// The kernel.
    pub kernel: Kernel,
    /// The size.
    pub size: usize,
    /// The number of ranks.
    pub ranks: usize,
    /// The number of nodes on which they ran.
    pub nodes: usize,
    /// The predicted seconds of an iteration.
    pub predicted: f64,
    /// The measured seconds, which a quarter of the iterations and of the rounds did not exceed.
    pub measured: f64,
    /// What takes the largest part of the predicted time.
    pub limit: &'static str,
}

impl Case {
    /// The error of the prediction, as a part of the measured time.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

/// All cases of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The cases.
    pub cases: Vec<Case>,
    /// The parameters with which they were predicted.
    pub parameters: Parameters,
}

/// Sizes between those with which the rates are measured.
fn sizes(kernel: Kernel) -> &'static [usize] {
    match kernel {
        Kernel::Count => &[200, 1000],
        Kernel::Stencil => &[400, 900, 1600, 3000],
        _ => &[336, 720, 1280, 2400],
    }
}

/// Measures the parameters and the cases in turn, and predicts the cases from the parameters.
///
/// # Errors
/// There is no MPI, a job fails, or a result is wrong.
pub fn check(plan: &Plan, remark: impl Fn(&str)) -> anyhow::Result<Checked> {
    let kernels = KERNELS.into_iter().filter(|kernel| plan.kernel.is_none_or(|only| only == *kernel));
    let size = plan.size;
    let questions: Vec<_> = kernels
        .flat_map(|kernel| {
            size.map_or(sizes(kernel).to_vec(), |size| vec![size]).into_iter().map(move |size| (kernel, size))
        })
        .map(|(kernel, size)| Question { kernel, size, grain: plan.grain })
        .collect();
    let mut parameters: Vec<Vec<Value>> = vec![Vec::new(); plan.ranks.len()];
    let mut seconds = vec![vec![Vec::new(); questions.len()]; plan.ranks.len()];
    let mut iterations = vec![vec![0; questions.len()]; plan.ranks.len()];
    for round in 0..plan.rounds {
        for (at, &ranks) in plan.ranks.iter().enumerate() {
            remark(&format!("round {} of {}, ranks: {ranks}", round + 1, plan.rounds));
            parameters[at].push(measure::run(ranks, plan.kernel)?);
            for (number, question) in questions.iter().enumerate() {
                let problem = |iterations| Problem {
                    size: question.size,
                    workers: ranks,
                    iterations,
                    grain: question.grain,
                    ..Problem::DEFAULT
                };
                if iterations[at][number] == 0 {
                    let once = median(&solve(question.kernel, &problem(3))?);
                    iterations[at][number] = (SECONDS / once).clamp(5.0, 3000.0) as usize;
                }
                let measured = solve(question.kernel, &problem(iterations[at][number]))?;
                seconds[at][number].push(quartiles(&measured)[0]);
            }
        }
    }
    let jobs = parameters.iter().map(|rounds| measure::job(rounds)).collect::<anyhow::Result<Vec<_>>>()?;
    let parameters = Parameters { cores: machine::usable_cores(), jobs };
    parameters.check()?;
    let mut cases = Vec::new();
    for (number, question) in questions.iter().enumerate() {
        for (at, job) in parameters.jobs.iter().enumerate() {
            let layout = Layout { nodes: job.nodes.clone() };
            let parts = forecast(&parameters, question, &layout)?;
            cases.push(Case {
                kernel: question.kernel,
                size: question.size,
                ranks: plan.ranks[at],
                nodes: layout.node_count(),
                predicted: parts.seconds(),
                measured: quartiles(&seconds[at][number])[0],
                limit: parts.limit(),
            });
        }
    }
    Ok(Checked { cases, parameters })
}

fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Vec<f64>> {
    let measured = mpi::solve(kernel, problem)?;
    let wrong = measured.wrong.unwrap_or_default();
    let ranks = if problem.workers == 1 { "rank" } else { "ranks" };
    ensure!(wrong.is_empty(), "{kernel} by {} {ranks}: {wrong}", problem.workers);
    Ok(measured.seconds)
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:10} {:>6} {:>6} {:>6} {:>10} {:>10} {:>7}  largest part",
            "kernel", "size", "ranks", "nodes", "predicted", "measured", "error"
        )?;
        for case in &self.cases {
            let Case { kernel, size, ranks, nodes, predicted, measured, limit } = case;
            let (predicted, measured) = (duration(*predicted), duration(*measured));
            let error = 100.0 * case.error();
            let crowded = if *ranks > nodes * self.parameters.cores { ", more ranks than cores" } else { "" };
            writeln!(
                f,
                "{kernel:10} {size:>6} {ranks:>6} {nodes:>6} {predicted:>10} {measured:>10} {error:>+5.0} %  {limit}{crowded}"
            )?;
        }
        let errors: Vec<_> = self.cases.iter().map(|case| 100.0 * case.error().abs()).collect();
        let worst = errors.iter().copied().chain(iter::once(0.0)).fold(0.0, f64::max);
        write!(
            f,
            "the error is {:.1} % in the median and {worst:.1} % at worst, of {} cases",
            median(&errors),
            errors.len()
        )
    }
}

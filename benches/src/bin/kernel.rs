//! Solves one kernel with one strategy, checks the result exactly and prints the rate.
//!
//! The first iteration is not timed. Threads that have just started may be slower than later, so without `--iterations` the
//! program measures for 2 s, leaves the warm-up out (a remark on stderr says how much that is), and prints the rate of the
//! median. After a wrong result there is no rate, and the exit status is 1.
//!
//! Run:       cargo run --release --bin kernel -- stencil --strategy threads --workers 2

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::Context;
use benches::{mpi, solve};
use ch1_parallel::kernels::{Kernel, Problem, Strategy, args::ProblemArgs};
use clap::{Parser, ValueEnum};
use course::lesson;

#[derive(Parser)]
struct Args {
    /// The problem: nstream, stencil, transpose, pipeline, count, do_something, waiting or grain
    kernel: String,
    /// How to solve it: serial, rayon, threads, processes, mpi or async
    #[arg(long, value_name = "S")]
    strategy: String,
    #[command(flatten)]
    problem: ProblemArgs,
}

fn main() -> ExitCode {
    // A worker process runs this program again: it works inside this call and does not return from it.
    ch3_processes::kernels::init();
    lesson::run_checked(lesson::header!(), checked, |(args, kernel, strategy, problem), lesson| {
        solve::fits(kernel, problem.size)?;
        if strategy == Strategy::Mpi {
            // `kernel_mpi` prints the same figures and draws the lanes of its ranks, so it replaces this program.
            let mut ranks = mpi::command(kernel, &problem)?;
            ranks.args(args.problem.iterations.map(|count| format!("--iterations={count}")));
            ranks.args(args.problem.json.then_some("--json")).args(lesson.flags().to_args());
            return Err(ranks.exec()).context("mpi");
        }
        let measured = args.problem.measure(&problem, |problem| solve::solve(kernel, strategy, problem))?;
        args.problem.report(kernel, strategy, &problem, measured)
    })
}

/// The problem that the flags describe, or why they do not fit together.
fn checked(args: Args) -> Result<(Args, Kernel, Strategy, Problem), String> {
    let pair = (Kernel::from_str(&args.kernel, false), Strategy::from_str(&args.strategy, false));
    let (Ok(kernel), Ok(strategy)) = pair else { return Err(no_pair(&args)) };
    if !kernel.strategies().contains(&strategy) {
        return Err(no_pair(&args));
    }
    let mut problem = args.problem.problem(kernel, strategy)?;
    if strategy == Strategy::Serial {
        problem.workers = 1;
    }
    Ok((args, kernel, strategy, problem))
}

fn no_pair(args: &Args) -> String {
    format!("no kernel '{}' with strategy '{}'; there are\n{}", args.kernel, args.strategy, solve::pairs())
}

//! Measures a kernel that ranks solve by message.
//!
//! This is the ranks' side of `kernel --strategy mpi`, which starts it. One iteration goes untimed; the times of the
//! others are those of the slowest rank; a wrong result has no rate.
//!
//! Run:       cargo run --release --bin kernel_mpi -- stencil --workers 2
//!            scripts/mpirun -n 2 target/release/kernel_mpi stencil --workers 2
//! Observe:   two ranks reach what the memory gives; more ranks than cores gain nothing.

// Without MPI the program is left out: `build.rs` puts a line in its place that says so.
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::bail;
use ch1_parallel::kernels::{Kernel, Strategy, args::ProblemArgs};
use ch4_mpi::{kernels, lesson};
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// What to solve
    kernel: Kernel,
    #[command(flatten)]
    problem: ProblemArgs,
    /// Prints the seconds of every iteration as one line of JSON
    #[arg(long, conflicts_with = "json")]
    laps: bool,
}

fn main() -> ExitCode {
    let ranks = |args: &Args| args.problem.problem(args.kernel).map(|problem| problem.workers);
    lesson::run_job(lesson::header!(), ranks, |args: Args, _, world| {
        let mut problem = args.problem.problem(args.kernel).map_err(anyhow::Error::msg)?;
        if args.problem.workers.is_none() {
            // Under mpirun the launcher has decided.
            problem.workers = usize::try_from(world.size())?;
        }
        let measured = kernels::solve(args.kernel, &problem, world)?;
        match (world.rank(), measured.wrong.as_deref()) {
            (0, wrong) if args.laps => {
                println!("{}", serde_json::to_string(&measured)?);
                wrong.map_or(Ok(()), |wrong| bail!("{}: {wrong}", args.kernel))
            }
            (0, _) => args.problem.report(args.kernel, Strategy::Mpi, &problem, &measured),
            _ => Ok(()),
        }
    })
}

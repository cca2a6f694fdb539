//! Measures a kernel that ranks solve by exchanging messages.
//!
//! The program `kernel` starts this program for its strategy `mpi`. The first iteration is not timed. Without `--iterations` the
//! program measures for 2 s and leaves the warm-up out. The time of an iteration is the time of the slowest rank. If the
//! result is wrong, the program prints an error and no rate.
//!
//! Run:       cargo run --release --bin kernel_mpi -- stencil --workers 2
//!            scripts/mpirun -n 2 target/release/kernel_mpi stencil --workers 2
//! Observe:   the program prints the rate. Compare it with `--workers 1`: `stencil` is limited by the memory, so two ranks
//!            may be less than twice as fast as one rank. More ranks than cores gain nothing. With `--threads 2` each rank
//!            has a pool of two threads, so one rank uses two cores.

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch1_parallel::kernels::{Kernel, Problem, Strategy, args::ProblemArgs, grain::sweep};
use ch4_mpi::{kernels, lesson};
use mpi::Threading;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// The problem
    kernel: Kernel,
    #[command(flatten)]
    problem: ProblemArgs,
    /// Prints the seconds of each iteration as one line of JSON
    #[arg(long, conflicts_with = "json")]
    laps: bool,
    /// For grain: solves it with the grain, with half of it, and so on down to G, and prints a line for each
    #[arg(long, value_name = "G", requires = "laps")]
    down_to: Option<u64>,
}

fn main() -> ExitCode {
    let job = |args: &Args| {
        if !args.kernel.strategies().contains(&Strategy::Mpi) {
            return Err(args.kernel.no_pair(Strategy::Mpi));
        }
        if args.down_to.is_some() && args.kernel != Kernel::Grain {
            return Err("--down-to is for the kernel grain".into());
        }
        let problem = args.problem.problem(args.kernel, Strategy::Mpi)?;
        // The threads of a rank compute, and only its main thread calls MPI.
        let threading = if problem.threads > 1 { Threading::Funneled } else { Threading::Single };
        Ok((problem.workers, threading))
    };
    lesson::run_job(lesson::header!(), job, |args: Args, _, world| {
        let mut problem = args.problem.problem(args.kernel, Strategy::Mpi).map_err(anyhow::Error::msg)?;
        if args.problem.workers.is_none() {
            // Under mpirun the launcher has chosen the number of ranks.
            problem.workers = usize::try_from(world.size())?;
        }
        let solve =
            |problem: &Problem| args.problem.measure(problem, |problem| kernels::solve(args.kernel, problem, world));
        if !args.laps {
            let measured = solve(&problem)?;
            let report = || args.problem.report(args.kernel, Strategy::Mpi, &problem, measured);
            return if world.rank() == 0 { report() } else { Ok(()) };
        }
        for problem in sweep(&problem, args.down_to.unwrap_or(problem.grain)) {
            let measured = solve(&problem)?;
            if world.rank() == 0 {
                println!("{}", serde_json::to_string(&measured)?);
                let wrong = measured.wrong.unwrap_or_default();
                ensure!(wrong.is_empty(), "{}: {wrong}", args.kernel);
            }
        }
        Ok(())
    })
}

//! Measures a kernel that ranks solve by message.
//!
//! This is the ranks' side of `kernel --strategy mpi`, which starts it. One iteration goes untimed; the times of the others
//! are those of the slowest rank; a wrong result has no rate.
//!
//! Run:       cargo run --release --bin kernel_mpi -- stencil --workers 2
//!            scripts/mpirun -n 2 target/release/kernel_mpi stencil --workers 2
//! Observe:   two ranks reach what the memory gives; more ranks than cores gain nothing.

use std::process::ExitCode;

use anyhow::bail;
use ch1_parallel::kernels::{Figures, Kernel, Problem, Strategy};
use ch4_mpi::{kernels, lesson};
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// What to solve
    kernel: Kernel,
    /// Ranks; under mpirun as many as it starts
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: u16,
    /// Size in the kernel's own measure [default: the kernel's]
    #[arg(long)]
    size: Option<usize>,
    /// Timed iterations
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    iterations: u32,
    /// How far a task of `count` counts
    #[arg(long, default_value_t = 10_000)]
    grain: u64,
    /// Prints the figures as one line of JSON
    #[arg(long)]
    json: bool,
    /// Prints the seconds of every iteration as one line of JSON
    #[arg(long, conflicts_with = "json")]
    laps: bool,
}

impl Args {
    fn problem(&self) -> Result<Problem, String> {
        let size = self.size.unwrap_or(self.kernel.default_size());
        let (least, most) = (self.kernel.least_size(), self.kernel.most_size());
        if !(least..=most).contains(&size) {
            return Err(format!("invalid value '{size}' for '--size': {} takes {least} to {most}", self.kernel));
        }
        let (workers, iterations) = (self.workers.into(), self.iterations as usize);
        Ok(Problem { size, workers, iterations, grain: self.grain })
    }
}

fn main() -> ExitCode {
    let ranks = |args: &Args| args.problem().map(|problem| problem.workers);
    lesson::run_job(lesson::header!(), ranks, |args: Args, _, world| {
        let problem = args.problem().map_err(anyhow::Error::msg)?;
        let measured = kernels::solve(args.kernel, &problem, world)?;
        if world.rank() > 0 {
            return Ok(());
        }
        let figures = Figures::of(args.kernel, Strategy::Mpi, &problem, &measured);
        if args.laps {
            println!("{}", serde_json::to_string(&measured)?);
        } else if args.json {
            println!("{}", serde_json::to_string(&figures)?);
        } else if let Some(rate) = figures.rate {
            let (ranks, size, unit) = (figures.workers, figures.size, &figures.unit);
            println!("{}, {ranks} ranks, size {size}: {rate:.1} {unit}", args.kernel);
        }
        match measured.wrong {
            Some(wrong) => bail!("{}: {wrong}", args.kernel),
            None => Ok(()),
        }
    })
}

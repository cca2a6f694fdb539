//! Measures how short tasks may be with each strategy: METG(50 %), the minimum effective task granularity (Slaughter et
//! al., "Task Bench", SC20).
//!
//! The tasks of the kernel `grain` depend on each other by a pattern, one task for each worker and step. Their work is
//! halved again and again, until what a strategy costs for each task is most of the time. METG(50 %) is the time of a task
//! at which half of the peak rate is left: with shorter tasks, more than half of the time is lost. The peak is the best
//! rate of a worker of any measured strategy with the longest tasks. There is no figure where the efficiency is never above
//! or never below 50 %, or where an efficiency exceeds 150 %.
//!
//! All strategies with all patterns take up to a minute; with one pattern, about 10 s. On a busy machine there are fewer
//! repetitions, so that it does not take much longer.
//!
//! Run:       cargo run --release --bin metg -- --pattern stencil_1d

use std::io::{Write, stderr};
use std::process::ExitCode;

use benches::machine::usable_cores;
use benches::metg::{Plan, Table, measure};
use benches::mpi;
use ch1_parallel::kernels::{Strategy, grain::Pattern};
use course::lesson;

#[derive(clap::Parser)]
struct Args {
    /// Number of threads, processes or ranks; default: the number of cores
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: Option<u16>,
    /// Which tasks need the values of which tasks of the step before; default: one pattern after the other
    #[arg(long, value_name = "P")]
    pattern: Option<Pattern>,
    /// The strategy, whose peak is then its own; default: all strategies, in turn
    #[arg(long, value_name = "S")]
    strategy: Option<Strategy>,
    /// Prints a line of JSON for each curve: strategy, pattern, workers, its points and the METG in seconds
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    // A worker process runs this program again: it works inside this call and does not return from it.
    ch3_processes::kernels::init();
    lesson::run!(|args: Args, _lesson| {
        let workers = args.workers.map_or_else(usable_cores, usize::from);
        let mut plan = Plan::full(workers);
        plan.patterns.retain(|&pattern| args.pattern.is_none_or(|only| only == pattern));
        plan.strategies.retain(|&strategy| args.strategy.is_none_or(|only| only == strategy));
        if plan.strategies.contains(&Strategy::Mpi)
            && let Err(missing) = mpi::available()
        {
            if args.strategy.is_some() {
                return Err(missing);
            }
            remark(&format!("{missing:#}"));
            plan.strategies.retain(|&strategy| strategy != Strategy::Mpi);
        }
        let curves = measure(&plan, |pattern| remark(&format!("measuring {pattern}")))?;
        if args.json {
            for curve in &curves {
                println!("{}", serde_json::to_string(curve)?);
            }
        } else {
            println!("{}", Table(&curves));
        }
        Ok(())
    })
}

/// A remark that cannot be printed is no reason to fail.
fn remark(text: &str) {
    let _ = writeln!(stderr(), "remark: {text}");
}

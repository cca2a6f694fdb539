//! Runs every program of every chapter, checks its result, compares the strategies and writes a report.
//!
//! Without MPI, chapter 4 and the strategy `mpi` are left out, and a remark says which command mends that. The exit status
//! is 1 if anything failed.
//!
//! Run:       scripts/tour

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use benches::compare::{Comparison, Plan};
use benches::examples::{self, Example, Outcome};
use benches::prices::Extent;
use benches::report::Report;
use benches::{machine, metg, mpi, peers, prices, timelines};
use ch1_parallel::kernels::{Problem, Strategy};
use course::lanes::chart::time;
use course::lesson;

#[derive(clap::Parser)]
struct Args {
    /// Leaves out the comparison with programs in C and Python
    #[arg(long)]
    quick: bool,
    /// Number of threads, processes or ranks in the comparison; default: the number of cores
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: Option<u16>,
    /// Folder of the report; default: target/tour
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// What to do with the timelines in the chapters' READMEs
    #[arg(long, value_name = "WHAT")]
    timelines: Option<Timelines>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Timelines {
    /// Draws them again, without a tour
    Redraw,
    /// Checks in the tour that the programs still draw them; times are not compared
    Check,
}

fn main() -> ExitCode {
    // A worker process runs this program again: it works inside this call and does not return from it.
    ch3_processes::kernels::init();
    prices::init();
    lesson::run!(|args: Args, _lesson| {
        let folder = args.report.unwrap_or_else(|| examples::root().join("target/tour"));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let mut report = Report { machine: machine::facts(), ..Report::default() };
        report.machine.iter().for_each(|fact| println!("{fact}"));
        let mpi = mpi::available();
        if let Err(missing) = &mpi {
            println!("remark: {missing:#}");
            report.remarks.push(format!("{missing:#}"));
        }

        let all = examples::all()?;
        let can_run = |example: &Example| mpi.is_ok() || example.chapter != "ch4_mpi";
        if args.timelines == Some(Timelines::Redraw) {
            return all.iter().filter(|example| can_run(example)).try_for_each(|example| redraw(example, &folder));
        }

        println!("\nEvery program of every chapter:");
        for example in &all {
            let can_run = can_run(example);
            let outcome = can_run.then(|| run(example, &folder, args.timelines == Some(Timelines::Check)));
            report.examples.push((example, outcome));
        }

        println!("\nThe strategies compared:");
        let workers = args.workers.map_or_else(machine::usable_cores, usize::from);
        let plan = Plan::quick(workers);
        let skip = if mpi.is_ok() { &[][..] } else { &[Strategy::Mpi] };
        let progress = |kernel, problem: &Problem| println!("  {kernel} of size {}", problem.size);
        let mut comparison = Comparison::of(&plan, skip, progress)?;
        if !args.quick {
            println!("\nBeside programs in C and Python:");
            comparison.measure(&Plan::peers(workers), skip, progress)?;
            for missing in peers::missing() {
                println!("remark: {missing}");
                report.remarks.push(missing);
            }
        }
        println!("\n{comparison}");
        report.comparison = Some(&comparison);

        println!("What parallelism costs:");
        let prices = prices::measure(workers.max(2), Extent::Rust, |round, of| println!("  round {round} of {of}"))?;
        println!("\n{}", prices::table(&prices));
        report.prices = &prices;

        println!("How short tasks may be:");
        let mut plan = metg::Plan::quick(workers);
        plan.strategies.retain(|strategy| !skip.contains(strategy));
        let curves = metg::measure(&plan, |_| ())?;
        println!("{}", metg::Table(&curves));
        report.curves = &curves;

        let failed = report.examples.iter().filter(|(_, outcome)| is_bad(outcome)).count() + comparison.failures.len();
        println!("report: {}", report.write(&folder)?.display());
        ensure!(failed == 0, "tour: {failed} parts failed");
        Ok(())
    })
}

fn redraw(example: &Example, folder: &Path) -> anyhow::Result<()> {
    let drawn = timelines::draw(example, folder)?;
    let path = timelines::path(example);
    fs::write(&path, &drawn).with_context(|| path.display().to_string())?;
    timelines::check(example, &drawn)?;
    println!("  {:14} {:24} ok", example.chapter, example.name);
    Ok(())
}

fn run(example: &Example, folder: &Path, check_timeline: bool) -> Outcome {
    let mut outcome = examples::run(example, folder);
    if check_timeline && outcome.failure.is_none() {
        let wrong = timelines::check(example, outcome.svg.as_deref().unwrap_or_default()).err();
        outcome.failure = wrong.map(|wrong| format!("{wrong:#}"));
    }
    let result = outcome.failure.as_deref().unwrap_or("ok");
    println!("  {:14} {:24} {:>7}  {result}", example.chapter, example.name, time(outcome.seconds));
    outcome
}

fn is_bad(outcome: &Option<Outcome>) -> bool {
    outcome.as_ref().is_some_and(|outcome| outcome.failure.is_some())
}

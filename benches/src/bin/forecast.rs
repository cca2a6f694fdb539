//! Says what more ranks will bring: predicts an iteration of a kernel that ranks solve by messages, on up to 1,024 ranks.
//!
//! The model is LogGP (Alexandrov et al., SPAA 1995): a message keeps its sender and its receiver busy for the overhead o each. It
//! is under way for the latency L and for the gap per byte G, once for each byte. Between two messages of a rank passes at least
//! the gap g. The program measures these parameters within a node and between nodes, and how fast a rank computes while the other
//! ranks of its node compute too. If there is one node only, TCP on this node stands in for the network. A host file in the
//! environment variable OMPI_MCA_orte_default_hostfile (Open MPI 4) lets the ranks run on its hosts, or MPIRUN names a launcher
//! that does so. With `--parameters` the values of another cluster are used. `--check` runs the kernels with 1, 2 and 4 ranks too,
//! and prints the predicted beside the measured times.
//!
//! Run:       cargo run --release --bin forecast -- stencil --ranks 64 --size 4000
//! Observe:   in the table of strong scaling the column `limited by` names the largest part of an iteration: `compute` for few
//!            ranks, and for many ranks `latency`, which is all that messages cost without their bytes. From there on the column
//!            `iteration` hardly changes: more ranks do not help.
//! Exercise:  keep the parameters with `--save FILE`, and use them with `--parameters FILE` and the sizes 1000, 2000 and 4000. From
//!            how many ranks on is strong scaling limited by latency? How does this number grow with the size, and why? Why is
//!            weak scaling with these sizes not limited in this way?

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use benches::forecast::check::{Plan, check};
use benches::forecast::model::Question;
use benches::forecast::parameters::{KERNELS, Parameters};
use benches::forecast::{MOST_RANKS, Scaling, measure, plot, weak_size};
use ch1_parallel::kernels::Kernel;
use course::lesson::{self, Output, same_file};

/// The default of `--ranks`.
const RANKS: u32 = 64;

/// The numbers of ranks with `--check`.
const CHECKED: [usize; 3] = [1, 2, 4];

#[derive(clap::Parser)]
struct Args {
    /// The kernel: stencil, transpose or count
    #[arg(value_parser = modelled, required_unless_present = "check")]
    kernel: Option<Kernel>,
    /// Number of ranks; default: 64; with --check the most ranks that run, default: 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    ranks: Option<u32>,
    /// The side of the grid of stencil or the matrix of transpose, or the number of tasks of count; default: as of the program
    /// kernel
    #[arg(long, value_name = "S")]
    size: Option<usize>,
    /// The number to which a task of count counts
    #[arg(long, value_name = "STEPS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    grain: u64,
    /// Number of ranks on each node; default: the cores of a node
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u16).range(1..=1024), conflicts_with = "check")]
    ranks_per_node: Option<u16>,
    /// Uses the parameters in this file, and measures nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "save"])]
    parameters: Option<PathBuf>,
    /// Writes the measured parameters to this file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Draws strong and weak scaling to this file, as SVG
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    plot: Option<PathBuf>,
    /// Runs the kernel, or all three, with 1, 2 and 4 ranks, and compares predicted with measured times
    #[arg(long)]
    check: bool,
    /// With --check: how many times everything is measured
    #[arg(long, value_name = "R", default_value_t = 3, requires = "check", conflicts_with = "parameters")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

fn modelled(name: &str) -> Result<Kernel, String> {
    KERNELS
        .into_iter()
        .find(|kernel| kernel.name() == name)
        .ok_or_else(|| "it is not stencil, transpose or count".into())
}

fn main() -> ExitCode {
    lesson::run_checked(lesson::header!(), checked, |args, _lesson| {
        // The measurement takes long, so a path that cannot be written is found out before.
        let output = |path: &Option<PathBuf>| path.as_deref().map(Output::check).transpose();
        let (save, plot) = (output(&args.save)?, output(&args.plot)?);
        if args.check { compare(&args, save) } else { predict(&args, save, plot) }
    })
}

/// The flags, or why they do not fit together.
fn checked(args: Args) -> Result<Args, String> {
    if let (Some(kernel), Some(size)) = (args.kernel, args.size) {
        let (least, most) = (kernel.least_size(), kernel.most_size());
        if !(least..=most).contains(&size) {
            return Err(format!("invalid value '{size}' for '--size <S>': {kernel} takes {least} to {most}"));
        }
    }
    if args.kernel.is_none() && args.size.is_some() {
        return Err("--size needs a kernel".into());
    }
    // The plot would take the place of the parameters.
    for (flag, path) in [("--save", &args.save), ("--parameters", &args.parameters)] {
        if let (Some(path), Some(plot)) = (path, &args.plot)
            && same_file(path, plot)
        {
            return Err(format!("{flag} and --plot name the same file"));
        }
    }
    Ok(args)
}

fn predict(args: &Args, save: Option<Output>, picture: Option<Output>) -> anyhow::Result<()> {
    let kernel = args.kernel.context("no kernel")?;
    let question = Question { kernel, size: args.size.unwrap_or(kernel.default_size()), grain: args.grain };
    let per_node = args.ranks_per_node.map(usize::from);
    let parameters = match &args.parameters {
        Some(path) => Parameters::load(path)?,
        None => measure::measure(kernel, per_node, remark)?,
    };
    if let Some(file) = save {
        file.write(&(serde_json::to_string_pretty(&parameters)? + "\n"))?;
    }
    let ranks = args.ranks.unwrap_or(RANKS) as usize;
    let scaling = Scaling::of(&parameters, &question, ranks, per_node.unwrap_or(parameters.cores))?;
    if let Some(file) = picture {
        file.write(&plot::svg(&scaling)?)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&scaling)?);
    } else {
        print!("{scaling}");
    }
    let largest = weak_size(&question, MOST_RANKS);
    if kernel != Kernel::Count && largest > kernel.most_size() {
        remark(&format!("the program kernel takes sizes up to {} only", kernel.most_size()));
    }
    Ok(())
}

fn compare(args: &Args, save: Option<Output>) -> anyhow::Result<()> {
    let most = args.ranks.map_or(CHECKED[2], |ranks| ranks as usize);
    let ranks = CHECKED.into_iter().filter(|&ranks| ranks <= most).collect();
    let plan = Plan { kernel: args.kernel, size: args.size, grain: args.grain, ranks, rounds: args.rounds.into() };
    let checked = check(&plan, remark)?;
    if let Some(file) = save {
        file.write(&(serde_json::to_string_pretty(&checked.parameters)? + "\n"))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&checked)?);
    } else {
        println!("{checked}");
    }
    Ok(())
}

/// A remark that cannot be printed is no reason to fail.
fn remark(text: &str) {
    let _ = writeln!(stderr(), "remark: {text}");
}

//! Measures how the strategy `mpi` of a kernel scales with the number of ranks, and fits the laws of Amdahl and Gustafson.
//!
//! In strong scaling the size of the problem stays the same. In weak scaling it grows with the ranks, so that a rank always
//! has the same work: the number of tasks, numbers or vector elements with the ranks, and the side of a grid or matrix with
//! the square root of the ranks. A point is one of the numbers of ranks in one kind of scaling. Every point is measured in
//! every round, and the median of the rounds counts.
//!
//! Both laws divide a program into a serial part, which more ranks do not shorten, and a part that the ranks share evenly.
//! The serial fraction is the share of the serial part. The program prints for each law the fraction that fits all points
//! best, with a 95 % interval. The interval is found by a bootstrap: from the R measured rounds, R rounds are drawn at
//! random, where a round may be drawn several times; this is repeated 1,000 times, and 95 % of the fractions of these draws
//! are in the interval. In both tables the column Karp-Flatt has Amdahl's fraction for each point alone, by the formula of
//! Karp and Flatt. If it grows with the ranks, the ranks themselves cost time: they send messages, or they wait. If ranks
//! share cores because there are more ranks than cores, their points are drawn but not fitted.
//!
//! Arguments after `--` are the launcher's, for example a host file. The launcher is that of scripts/mpirun: the variable
//! MPIRUN names another one.
//!
//! Run:       scripts/scaling stencil --ranks 1,2,4 --csv target/stencil.csv --plot target/stencil.svg
//!            scripts/scaling count --strong --ranks 1,2,4 -- --hostfile HOSTS
//! Observe:   a table of the speed-ups for each kind of scaling, and below it the law with its serial fraction and what the
//!            fraction means for more ranks. A fraction below 0 means that the ranks are faster than their number allows,
//!            for example because their parts fit into caches.
//! Exercise:  run `scripts/scaling stencil --strong` with `--size 200` and with `--size 2000`. For which size is the serial
//!            fraction larger? What do the ranks do in this time, and why is its share smaller for the other size?

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use benches::machine::usable_cores;
use benches::scaling::fit::Law;
use benches::scaling::study::{KERNELS, Plan};
use ch1_parallel::kernels::Kernel;
use clap::{CommandFactory, Parser, ValueEnum};
use course::lesson::{self, Answer, Output, same_file};

#[derive(Parser)]
#[command(name = "scaling", max_term_width = 120)]
struct Args {
    /// The kernel: nstream, stencil, transpose, pipeline, count or do_something
    kernel: String,
    /// The numbers of ranks, separated by commas; 1 is always among them, since speed-ups are relative to it. Default: 1,
    /// 2, 4, ... up to the number of cores, and at least 2
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    ranks: Vec<u16>,
    /// The size of the problem on one rank; default: that of the program kernel
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Only strong scaling; default: both kinds
    #[arg(long)]
    strong: bool,
    /// Only weak scaling; default: both kinds
    #[arg(long, conflicts_with = "strong")]
    weak: bool,
    /// How many times every point (a number of ranks in one kind of scaling) is measured; the points take turns
    #[arg(long, value_name = "R", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// How long the iterations of a point take in a round, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=600_000))]
    time: u32,
    /// Writes the points as CSV; benches/README.md describes the columns
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Writes a plot of the speed-ups and of the fitted laws as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Seed of the draws from which the 95 % intervals are found
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Arguments of the launcher, after `--`
    #[arg(last = true, value_name = "ARGUMENTS OF THE LAUNCHER")]
    launcher: Vec<String>,
}

fn main() -> ExitCode {
    lesson::guard();
    lesson::end_with_starter();
    let args = parse().unwrap_or_else(|answer| answer.end());
    let plan = plan(&args).unwrap_or_else(|why| Answer::bad_flags::<Args>(&why).end());
    lesson::report(run(&args, &plan))
}

fn run(args: &Args, plan: &Plan) -> anyhow::Result<()> {
    // A path that cannot be written is found out before the measurement.
    let check = |path: &Option<PathBuf>| path.as_deref().map(Output::check).transpose();
    let (csv, plot) = (check(&args.csv)?, check(&args.plot)?);
    let study = plan.measure(|line| say("remark", line), |line| say("scaling", line))?;
    csv.map_or(Ok(()), |file| file.write(&study.csv()))?;
    plot.map_or(Ok(()), |file| file.write(&study.svg()))?;
    print!("{study}");
    Ok(())
}

/// A line that cannot be printed is no reason to fail.
fn say(what: &str, line: &str) {
    let _ = writeln!(stderr(), "{what}: {line}");
}

/// The flags. Other programs draw their lanes into the file of `--svg`. This one has no lanes, so it has flags of its own.
fn parse() -> Result<Args, Answer> {
    let header: Vec<_> = lesson::header!().lines().map_while(|line| line.strip_prefix("//!")).collect();
    let header: Vec<_> = header.into_iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let mut command = Args::command().about(header[0].to_owned()).long_about(header.join("\n"));
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    parsed.and_then(|found| clap::FromArgMatches::from_arg_matches(&found)).map_err(|error| {
        if !error.use_stderr() {
            return Answer { text: error.to_string(), status: 0 };
        }
        let text = error.to_string();
        let said = text.split("\n\nFor more").next().unwrap_or(&text).trim_end().to_owned();
        let usage = if said.contains("Usage:") { String::new() } else { format!("\n\n{}", command.render_usage()) };
        Answer { text: format!("{said}{usage}\n\nFor more information, try '--help'.\n"), status: 2 }
    })
}

/// What the flags ask for, or why they fit no study.
fn plan(args: &Args) -> Result<Plan, String> {
    let names = KERNELS.map(Kernel::name).join(", ");
    let kernel = Kernel::from_str(&args.kernel, false).ok().filter(|kernel| KERNELS.contains(kernel));
    let kernel =
        kernel.ok_or_else(|| format!("invalid value '{}' for '<KERNEL>': it must be one of {names}", args.kernel))?;
    if let (Some(csv), Some(plot)) = (&args.csv, &args.plot)
        && same_file(csv, plot)
    {
        return Err("--csv and --plot name the same file".into());
    }
    let mut ranks: Vec<usize> = args.ranks.iter().copied().map(usize::from).collect();
    if ranks.is_empty() {
        let powers = std::iter::successors(Some(2), |ranks| Some(ranks * 2));
        ranks = powers.take_while(|&ranks| ranks <= usable_cores().max(2)).collect();
    }
    ranks.push(1);
    ranks.sort_unstable();
    ranks.dedup();
    let laws = [Law::Amdahl, Law::Gustafson];
    let plan = Plan {
        kernel,
        size: args.size.unwrap_or(kernel.default_size()),
        ranks,
        laws: laws
            .into_iter()
            .filter(|law| !(args.strong && *law == Law::Gustafson || args.weak && *law == Law::Amdahl))
            .collect(),
        rounds: args.rounds.into(),
        seconds: f64::from(args.time) / 1e3,
        launcher: args.launcher.clone(),
        seed: args.seed,
    };
    plan.check()?;
    Ok(plan)
}

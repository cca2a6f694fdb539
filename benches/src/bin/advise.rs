//! Says which strategy is the fastest for independent tasks on this machine, and why.
//!
//! The tasks compute or wait, and give bytes back to the caller. The time of a strategy is the time from the call until all
//! results are with the caller, with the start and the end of threads, processes or ranks. It is predicted from prices,
//! which are measured in less than 20 s when the program first runs and kept in target/prices.json. `--check` runs the
//! strategies too: at most some 10 s each. `--check --grid` does so for 60 different maps (a map is a number of independent
//! tasks), which takes about two minutes, and prints how often the advice was right.
//!
//! Run:       cargo run --release --bin advise -- --tasks 1000 --task-us 50 --bytes 1000 --check

use std::io::{Write, stderr};
use std::process::ExitCode;

use benches::advisor::model::Question;
use benches::advisor::store::{self, Stored};
use benches::advisor::{self, Advice, check, grid};
use benches::machine::usable_cores;
use benches::mpi;
use course::lesson;

/// The default of `--workers` with `--waiting`. As in the kernel `waiting`, 100 tasks wait at the same time.
const WAITING_WORKERS: usize = 100;

#[derive(clap::Parser)]
struct Args {
    /// Number of tasks
    #[arg(long, value_name = "N", group = "maps", required_unless_present_any = ["grid", "measure"],
          value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    tasks: Option<u32>,
    /// How long each task computes or waits, in microseconds
    #[arg(long, value_name = "T", default_value_t = 10.0, value_parser = microseconds)]
    task_us: f64,
    /// How many bytes each task gives back
    #[arg(long, value_name = "B", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1 << 30))]
    bytes: u32,
    /// The tasks wait instead of computing
    #[arg(long)]
    waiting: bool,
    /// Number of threads, processes or ranks; default: the number of cores; with --waiting: 100
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: Option<u16>,
    /// Runs the strategies, and prints their measured times beside the predicted ones
    #[arg(long, requires = "maps")]
    check: bool,
    /// With --check: measures CASES of the 60 maps of a grid instead of one map, about 2 s each; without a number all 60
    #[arg(long, value_name = "CASES", group = "maps", num_args = 0..=1, default_missing_value = "60", requires = "check",
          conflicts_with_all = ["task_us", "bytes", "waiting"], value_parser = clap::value_parser!(u8).range(1..=60))]
    grid: Option<u8>,
    /// Measures the prices anew
    #[arg(long)]
    measure: bool,
    /// Prints one line of JSON, with --grid one for each map
    #[arg(long, requires = "maps")]
    json: bool,
}

fn main() -> ExitCode {
    // A worker process runs this program again: it works inside this call and does not return from it.
    advisor::init();
    lesson::run!(|args: Args, _lesson| {
        let question = args.tasks.map(|tasks| {
            let default = if args.waiting { WAITING_WORKERS } else { usable_cores() };
            let workers = args.workers.map_or(default, usize::from);
            let (tasks, bytes) = (tasks as usize, args.bytes as usize);
            Question { tasks, task_us: args.task_us, bytes, waiting: args.waiting, workers }
        });
        question.iter().try_for_each(advisor::fits)?;
        let stored = prices(args.measure)?;
        if let Some(cases) = args.grid {
            return score(&args, cases.into(), &stored);
        }
        let Some(question) = question else { return Ok(()) };
        let mut advice = Advice::of(&question, &stored);
        if args.check {
            check::check(&mut advice, &stored.cores)?;
        }
        if args.json {
            println!("{}", serde_json::to_string(&advice)?);
        } else {
            println!("{advice}");
        }
        Ok(())
    })
}

/// The prices from the file, or measured.
fn prices(anew: bool) -> anyhow::Result<Stored> {
    let path = store::path();
    if let Err(missing) = mpi::available() {
        remark(&format!("without the strategy mpi: {missing:#}"));
    }
    if let Some(stored) = store::load(&path).filter(|_| !anew) {
        return Ok(stored);
    }
    remark(&format!("measuring the prices of this machine for {}", path.display()));
    store::renew(&path)
}

/// Measures the cases of the grid, and prints the misses and the score.
fn score(args: &Args, cases: usize, stored: &Stored) -> anyhow::Result<()> {
    let workers = args.workers.map_or_else(usable_cores, usize::from);
    let questions = grid::questions(workers, args.workers.map_or(WAITING_WORKERS, usize::from));
    let mut hits = 0;
    for number in 0..cases {
        // Evenly spread, so that a few cases have maps of all kinds too.
        let case = grid::case(&questions[number * questions.len() / cases], stored)?;
        hits += usize::from(case.is_hit());
        if args.json {
            println!("{}", serde_json::to_string(&case)?);
        } else {
            println!("{case}");
        }
    }
    let score = format!("the recommended strategy is the fastest or within 10 % of it in {hits} of {cases} cases");
    if args.json {
        remark(&score)
    } else {
        println!("{score}")
    }
    Ok(())
}

fn microseconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "it is not a number of microseconds".to_owned())?;
    if (0.0..=1e9).contains(&value) { Ok(value) } else { Err("it must be from 0 to 1000000000".into()) }
}

/// A remark that cannot be printed is no reason to fail.
fn remark(text: &str) {
    let _ = writeln!(stderr(), "remark: {text}");
}

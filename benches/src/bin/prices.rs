//! Measures what parallelism costs on this machine: the start of a worker, a message, a barrier, a lock.
//!
//! Each way of an operation takes turns with the others, and the median of the rounds is printed, the cheapest way first. C
//! and Python are measured beside Rust where they are found; what is missing is left out, and a remark says so. All
//! together takes less than a minute, with `--no-peers` less than 15 s.
//!
//! Run:       cargo run --release --bin prices

use std::io::{Write, stderr};
use std::process::ExitCode;

use benches::prices::{self, Extent};
use course::lesson;

#[derive(clap::Parser)]
struct Args {
    /// Number of workers at a barrier and a contended lock; these are also measured with 4 times
    /// as many workers as cores
    #[arg(long, default_value_t = 2, value_name = "W", value_parser = clap::value_parser!(u16).range(2..=100))]
    workers: u16,
    /// Leaves out the programs in C and Python
    #[arg(long)]
    no_peers: bool,
    /// Prints one line of JSON for each price, with the seconds of each round
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    // A worker process runs this program again: it works inside this call and does not return from it.
    prices::init();
    lesson::run!(|args: Args, _lesson| {
        let workers = usize::from(args.workers);
        let extent = if args.no_peers { Extent::Rust } else { Extent::WithPeers };
        // A remark that cannot be printed is no reason to fail.
        let remark = |text: &str| drop(writeln!(stderr(), "remark: {text}"));
        prices::missing(extent).iter().for_each(|missing| remark(missing));
        let prices = prices::measure(workers, extent, |round, of| remark(&format!("round {round} of {of}")))?;
        if args.json {
            for price in &prices {
                println!("{}", serde_json::to_string(price)?);
            }
        } else {
            print!("{}", prices::table(&prices));
        }
        Ok(())
    })
}

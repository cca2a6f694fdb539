//! Says what to type: the main commands, and every example with what it shows.
//!
//! A plain `cargo run` starts it.
//!
//! Run:       cargo run

use std::process::ExitCode;

use benches::examples;
use course::lesson;

#[derive(clap::Parser)]
struct Args {}

const COMMANDS: &str = "\
Parallel and distributed programming in Rust: a course in small programs. README.md says how to begin.

  scripts/tour                          sets up what is missing, runs every program, writes a report
  scripts/test                          sets up what is missing, runs every test
  cargo run --release --bin kernel      solves one problem with one strategy, checks it, prints the rate (--help)
  cargo run --release --bin metg        measures how short tasks may be with each strategy
  scripts/scaling KERNEL                measures how a kernel scales with the number of MPI's ranks (--help)
  cargo run --release --bin prices      measures what a worker, a message, a barrier and a lock cost
  cargo run --release --bin advise      says which strategy is the fastest for many independent tasks (--help)
  cargo bench                           measures all strategies with criterion, writes a report
  cargo run --bin doctor                says what this machine lacks
  cargo run --bin NAME                  runs one program
  cargo run --bin NAME -- --timeline    runs it and draws what each thread, process, rank or task did
  cargo run --bin NAME -- --help        says what it shows, and its flags

The programs, in reading order:";

fn main() -> ExitCode {
    lesson::run!(|_: Args, _lesson| {
        println!("{COMMANDS}");
        let mut chapter = String::new();
        for example in examples::all()? {
            if chapter != example.chapter {
                println!("\n{}/README.md", example.chapter);
                chapter = example.chapter;
            }
            println!("  {:22} {}", example.name, example.shows);
        }
        Ok(())
    })
}

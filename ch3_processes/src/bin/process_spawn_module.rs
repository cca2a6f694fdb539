//! Six processes call a function of another module.
//!
//! A child process runs this program again, from its beginning. It must learn there that it is a child: otherwise it
//! would start six children itself, and each of them six more. It learns this from `children!` in the first line of
//! `main`. In the parent, `children!` lists the functions that children may call, from any module, and the parent
//! continues. In a child, `children!` calls the function that the parent chose and ends the process, so the child runs
//! no line below it.
//!
//! Run:       cargo run --bin process_spawn_module -- --workers 6 --timeline
//! Observe:   "only the parent comes here" is printed once, though seven processes run this `main`.
//! Exercise:  delete the line `children![my_func];`. Which process reports the mistake, and how many children are
//!            started?

use std::collections::HashSet;
use std::process::{ExitCode, id};

use anyhow::ensure;
use ch3_processes::my_func::my_func;
use ch3_processes::{children, join_all, spawn};
use course::lesson;

#[derive(clap::Parser)]
struct Args {
    /// Processes
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
}

// In Python the line `if __name__ == "__main__":` keeps a child from starting children.
fn main() -> ExitCode {
    children![my_func];
    lesson::run!(|args: Args, _lesson| {
        println!("only the parent comes here; it has the id {}", id());
        let mut processes = Vec::new();
        for number in 0..args.workers {
            processes.push(spawn(format!("process {number}"), my_func, (number,))?);
        }
        let results = join_all(processes)?;

        ensure!(results.iter().map(|&(lines, _)| lines).eq(0..args.workers), "lines and ids: {results:?}");
        let ids: HashSet<_> = results.iter().map(|&(_, id)| id).chain([id()]).collect();
        ensure!(ids.len() == results.len() + 1, "two numbers ran in one process: {results:?}");
        Ok(())
    })
}

//! Six processes call a function of another module.
//!
//! A child process runs this program again, from its beginning. It must learn there that it is a child: otherwise it would do
//! what its parent does, and start six children, which start six children each. That is what `children!` in the first line of
//! `main` is for. In the parent it lists the functions that children may call, wherever they stand, and goes on; in a child it
//! calls the function that the parent named, and ends the process, so no line below it runs.
//!
//! Run:       cargo run --bin process_spawn_module -- --workers 6 --timeline
//! Observe:   "only the parent comes here" appears once, though seven processes run this `main`.
//! Python:    there it is the line `if __name__ == "__main__":`, needed where processes are not forked. Who forgets it gets an
//!            error in each child, and where processes are forked none, until somebody runs the program elsewhere.
//! Exercise:  leave `my_func` out of `children!`. Who notices, and how many children have been started by then?

use std::collections::HashSet;
use std::process::{ExitCode, id};

use anyhow::ensure;
use ch3_processes::my_func::my_func;
use ch3_processes::{children, join_all, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// Processes
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=400))]
    workers: u32,
}

fn main() -> ExitCode {
    children![my_func];
    lesson::run!(|args: Args, _lesson| {
        println!("only the parent comes here; it has the id {}", id());
        let mut processes = Vec::new();
        for number in 0..args.workers {
            processes.push(spawn(format!("process {number}"), my_func, (number,))?);
        }
        let results = lanes::wait("join", || join_all(processes))?;

        ensure!(results.iter().map(|&(lines, _)| lines).eq(0..args.workers), "lines and ids: {results:?}");
        let ids: HashSet<_> = results.iter().map(|&(_, id)| id).collect();
        ensure!(!ids.contains(&id()), "the function ran in the parent");
        Ok(())
    })
}

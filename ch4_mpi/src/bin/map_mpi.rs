//! Runs independent tasks by ranks and gathers their results in rank 0.
//!
//! The program `advise` starts this program for its strategy `mpi`, and measures its time from the start to the end. Each
//! rank has a fixed share of the tasks. Rank 0 checks the results and prints the seconds of this check, which are no part
//! of the work.
//!
//! Run:       cargo run --release --bin map_mpi -- --ranks 2 --tasks 1000 --grain 50000 --bytes 1024

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ch1_parallel::map::{Map, Results};
use ch4_mpi::lesson;
use ch4_mpi::parts::starts;
use mpi::Count;
use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Number of tasks
    #[arg(long, value_name = "N")]
    tasks: usize,
    /// The number to which each task counts
    #[arg(long, value_name = "G", default_value_t = 0)]
    grain: u64,
    /// How long each task waits, in nanoseconds
    #[arg(long, value_name = "NS", default_value_t = 0)]
    wait_ns: u64,
    /// How many bytes each task gives back
    #[arg(long, value_name = "B", default_value_t = 0)]
    bytes: usize,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let Args { tasks, grain, wait_ns, bytes } = args;
        let map = Map { tasks, grain, wait: Duration::from_nanos(wait_ns), bytes };
        let (rank, ranks) = (usize::try_from(world.rank())?, usize::try_from(world.size())?);
        let shares: Vec<_> = (0..ranks).map(|rank| tasks * rank / ranks..tasks * (rank + 1) / ranks).collect();
        let length = |share: &std::ops::Range<usize>| Count::try_from(share.len() * map.stride());
        let counts = shares.iter().map(length).collect::<Result<Vec<_>, _>>();
        let counts = counts.context("the results of a rank are too long for one message")?;
        Count::try_from(tasks * map.stride()).context("the results are too long for one message")?;

        let own = shares[rank].clone();
        let mut results = Results::new(&map, own.len())?;
        let own_sum = map.run_all(own.start, results.bytes_mut());
        let (root, mut sum) = (world.process_at_rank(0), 0);
        if rank > 0 {
            root.reduce_into(&own_sum, SystemOperation::sum());
            root.gather_varcount_into(results.bytes());
            return Ok(());
        }
        root.reduce_into_root(&own_sum, &mut sum, SystemOperation::sum());
        let mut all = Results::new(&map, tasks)?;
        let places = starts(&counts);
        let mut partition = PartitionMut::new(all.bytes_mut(), &counts[..], &places[..]);
        root.gather_varcount_into_root(results.bytes(), &mut partition);

        let begin = Instant::now();
        if let Some(wrong) = map.check(all.bytes(), sum) {
            bail!("{wrong}");
        }
        println!("{{\"check\":{:e}}}", begin.elapsed().as_secs_f64());
        Ok(())
    })
}

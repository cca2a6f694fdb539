//! The sender counts its tags from 0 and the receivers count from 1: wrong parts are received, and the last receive hangs.
//!
//! A receive with a tag takes only a message that has this tag. MPI stores the other messages for later receives. Rank 0
//! sends one part to each other rank in each step, and the tag of the message is the number of the step. The receivers
//! count the steps from 1. So in step 0 a receiver takes the part of step 1, and so on. The mistake is not noticed before
//! the last step, in which the receivers wait for a tag that no message has. MPI stores small messages when they are sent,
//! so rank 0 sends all parts and ends, although no rank receives the part of step 0.
//!
//! Run:       cargo run --bin tag_mismatch -- --timeline
//!            cargo run --bin tag_mismatch -- --ranks 7 --repaired
//!            cargo run --bin tag_mismatch -- --strict-sends
//! Observe:   without `--repaired` the program ends with status 3. The report names the tag for which each rank waits, and
//!            the line of its call in this file. By default the receivers wait for tag 3, and rank 0 has ended. With
//!            `--strict-sends` each send waits until its receive has started. Then all ranks wait in step 0, in which the
//!            mistake occurs, and the reason names both tags. With `--repaired` the status is 0.
//! MPI:       MPI_Send, MPI_Recv
//! Exercise:  check each part at once: write `ensure!(part == PARTS[step as usize], "step {step}");` after the receive. How
//!            does the program end now, and in which step?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// The receivers count the steps as rank 0 does
    #[arg(long)]
    repaired: bool,
}

/// What rank 0 sends to every other rank, a part in each step.
const PARTS: [i32; 3] = [10, 20, 30];

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let (rank, ranks) = (world.rank(), world.size());
        if rank == 0 {
            for (tag, part) in (0..).zip(PARTS) {
                (1..ranks).for_each(|to| world.process_at_rank(to).send_with_tag(&part, tag));
            }
            return Ok(());
        }
        let mut received = Vec::new();
        for step in 0..PARTS.len() as i32 {
            // The hazard: the receivers count from 1. The repair: they count from 0, as rank 0 does.
            let tag = if args.repaired { step } else { step + 1 };
            let (part, _) = world.process_at_rank(0).receive_with_tag::<i32>(tag);
            received.push(part);
        }
        ensure!(received == PARTS, "the parts are {received:?} instead of {PARTS:?}");
        println!("rank {rank} of {ranks}: the parts are {received:?}");
        Ok(())
    })
}

//! Rank 0 receives results from any source and assumes from which rank each one comes: results get to the wrong rank.
//!
//! MPI keeps the order of the messages that one rank sends to another rank. The messages of different ranks can arrive in
//! any order. Here rank 0 receives one result from every other rank, from any source. It assumes that the first message
//! comes from rank 1, the second message from rank 2, and so on. In many runs of such a program this is right by
//! chance. Here extra messages make the opposite order certain: each rank sends only after the rank with the next number
//! has sent, and a synchronous send ends only after its receive has started. A correct program works with every order.
//!
//! Run:       cargo run --bin wildcard_race -- --timeline
//!            cargo run --bin wildcard_race -- --ranks 7 --repaired
//! Observe:   without `--repaired` no rank hangs, but the results are wrong, and the program ends with status 3. The
//!            report lists the messages in the order of their arrival: for which rank's message each was taken, and from
//!            which rank it came. With `--repaired` the status is 0, and the messages arrive in the same order.
//! MPI:       MPI_Recv, MPI_Ssend, MPI_Send
//! Exercise:  repair the program in another way: replace `any_process()` by `process_at_rank(number)`. Why does
//!            the program hang now? Remove the extra messages (both `if` of `send_result`). Does the program end?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::lesson::Shown;
use ch4_mpi::{job, lesson};
use mpi::Rank;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Rank 0 takes the source of each message from its status
    #[arg(long)]
    repaired: bool,
}

fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson, world| {
        job::at_least(world, 3)?;
        if world.rank() > 0 {
            send_result(world);
            return Ok(());
        }
        let (mut results, mut sources, mut report) = (BTreeMap::new(), Vec::new(), String::new());
        for number in 1..world.size() {
            let ((result, status), line) = (world.any_process().receive::<Rank>(), line!());
            let source = status.source_rank();
            // The hazard: message N is taken for that of rank N. The repair: the status of the message names its source.
            let rank = if args.repaired { source } else { number };
            results.insert(rank, result);
            sources.push(source.to_string());
            report += &format!("  message {number}, received at {}:{line}, was taken for that of rank {rank}", file!());
            report += &format!(", and it came from rank {source}\n");
        }
        let sources = sources.join(", ");
        if results.iter().any(|(rank, result)| rank * rank != *result) {
            let wrong =
                format!("wrong result: rank 0 has {results:?}, and the results are not the squares of the ranks");
            let reason =
                format!("messages of different ranks have no order; here the ranks sent in this order: {sources}");
            return Err(Shown(format!("{wrong}\n{report}reason: {reason}")).into());
        }
        ensure!(results.len() as Rank == world.size() - 1, "a result is missing: {results:?}");
        println!("the messages came from the ranks {sources}, and the results are {results:?}");
        Ok(())
    })
}

/// Sends the square of this rank's number.
fn send_result(world: &SimpleCommunicator) {
    let rank = world.rank();
    // The extra messages: the last rank sends its result first.
    if rank + 1 < world.size() {
        world.process_at_rank(rank + 1).receive::<Rank>();
    }
    world.process_at_rank(0).synchronous_send(&(rank * rank));
    if rank > 1 {
        world.process_at_rank(rank - 1).send(&rank);
    }
}

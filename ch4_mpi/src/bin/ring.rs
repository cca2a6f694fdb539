//! A token goes round a ring of ranks, with blocking and with non-blocking receives.
//!
//! Each rank receives the token from its left neighbour, adds 1 and sends it to its right neighbour. In each round a rank
//! also has work that does not need the token. If a rank receives first and works afterwards, the ranks work one after
//! the other. If a rank starts a non-blocking receive, works, and then waits for the token, all ranks work at the same time.
//!
//! Run:       cargo run --bin ring -- --rounds 3 --work 2000000 --timeline
//!            scripts/mpirun -n 9 target/debug/ring --rounds 20
//! Observe:   in the first part of the picture (blocking) one rank works at a time. In the second part (non-blocking) the
//!            work of several ranks overlaps. A round gets shorter if there is more than one core: ranks that share a core
//!            take turns on it. With `--work 0` no work can overlap, and no way is always the faster one.
//! MPI:       MPI_Sendrecv_replace, MPI_Send, MPI_Recv, MPI_Irecv, MPI_Wait, MPI_Barrier, MPI_Allreduce, MPI_Wtime
//! Exercise:  in `blocking`, let every rank except rank 0 work before it receives. Why does a round take less time now?
//!            Where is a token that arrives while the rank works?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch1_parallel::kernels::count;
use ch4_mpi::{job, lesson};
use mpi::collective::SystemOperation;
use mpi::point_to_point::send_receive_replace_into;
use mpi::request::scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Times that the token goes round the ring
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// Work of each rank in each round, in steps of computation
    #[arg(long, default_value_t = 200_000, value_name = "STEPS",
          value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    work: u64,
}

type Way = fn(&SimpleCommunicator, &Args) -> u64;

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        let (rank, ranks) = (world.rank() as u64, world.size() as u64);
        let rounds = u64::from(args.rounds);
        for (name, way) in [("blocking", blocking as Way), ("non-blocking", non_blocking)] {
            world.barrier();
            let begin = mpi::time();
            let token = way(world, &args);
            let (seconds, mut slowest) = (mpi::time() - begin, 0.0);
            // Rank 0 sees the token at the end of a round, after all ranks.
            let expected = if rank == 0 { rounds * ranks } else { (rounds - 1) * ranks + rank + 1 };
            ensure!(token == expected, "{name}: the token is {token} and should be {expected}");
            world.all_reduce_into(&seconds, &mut slowest, SystemOperation::max());
            if rank == 0 {
                println!("{name:<12}  token {token}  {:>8.3} ms a round", slowest * 1e3 / f64::from(args.rounds));
            }
        }
        Ok(())
    })
}

fn blocking(world: &SimpleCommunicator, args: &Args) -> u64 {
    let (left, right) = job::ring(world);
    let mut token = 0;
    for _ in 0..args.rounds {
        if world.rank() == 0 {
            token += 1;
            // One call sends and receives. If rank 0 is the only rank, it sends to itself: a `send` alone could wait for
            // ever for its own receive.
            send_receive_replace_into(&mut token, &right, &left);
            work(args.work);
        } else {
            left.receive_into(&mut token);
            work(args.work);
            token += 1;
            right.send(&token);
        }
    }
    token
}

fn non_blocking(world: &SimpleCommunicator, args: &Args) -> u64 {
    let (left, right) = job::ring(world);
    let (mut token, mut incoming) = (0, 0);
    for _ in 0..args.rounds {
        scope(|scope| {
            let receive = left.immediate_receive_into(scope, &mut incoming);
            if world.rank() == 0 {
                right.send(&(token + 1));
            }
            work(args.work);
            receive.wait();
        });
        token = incoming;
        if world.rank() > 0 {
            token += 1;
            right.send(&token);
        }
    }
    token
}

/// The work of a rank: it counts.
fn work(steps: u64) {
    let _ = count::task(steps);
}

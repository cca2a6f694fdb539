//! Four ways for the ranks of a ring to exchange messages without a deadlock.
//!
//! Each rank sends numbers to its right neighbour and receives numbers from its left neighbour. If every rank sends
//! first, each send may wait until its receiver starts a receive, but the receiver waits in its own send. Four ways
//! avoid this deadlock:
//!
//! order:         the ranks with an even number send first, and the other ranks receive first.
//! send-receive:  one call sends and receives.
//! non-blocking:  each rank starts its receive before it sends. The start returns at once and gives a request; `wait`
//!                blocks until the request is complete.
//! buffered:      MPI copies the message into a buffer of 4 MiB that the program gives to MPI at the start, so the
//!                send returns at once.
//!
//! Run:       cargo run --bin avoiding_deadlock -- --rounds 3 --timeline
//!            scripts/mpirun -n 5 target/debug/avoiding_deadlock --items 100000
//! Observe:   the table shows the time of one exchange; the program checks that each way delivers every number. No way is
//!            always the fastest: the times depend on the number of ranks and cores, on the MPI library and on the
//!            size of the messages. With `--items 100000` the additional copy of the buffered send costs time.
//! MPI:       MPI_Send, MPI_Recv, MPI_Sendrecv, MPI_Irecv, MPI_Wait, MPI_Bsend, MPI_Barrier, MPI_Allreduce
//! Python:    the original is a copy of another script: no two of its ranks wait for each other, so there is no deadlock
//!            to avoid.
//! Exercise:  in `order`, let every rank send first. Run the program with `--items 100`, with `--items 10000`, and with
//!            `--items 100 --strict-sends`. (With `--strict-sends` each send waits until its receive has started.) Which
//!            runs hang? What does the report say after 10 seconds?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::collective::SystemOperation;
use mpi::point_to_point::send_receive_into;
use mpi::request::scope;
use mpi::topology::Process;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Numbers in each message, of 8 bytes each
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    items: u32,
    /// Exchanges that are timed, for each way
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
}

type Exchange = fn(left: &Process<'_>, right: &Process<'_>, outgoing: &[u64], incoming: &mut [u64]);

const WAYS: [(&str, Exchange); 4] =
    [("order", order), ("send-receive", send_receive), ("non-blocking", non_blocking), ("buffered", buffered)];

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let (left, right) = job::ring(world);
        let number = |sender: i32, round: u32| sender as u64 * 10_000_000 + u64::from(round);
        let (mut outgoing, mut incoming) = (vec![0; args.items as usize], vec![0; args.items as usize]);

        for (name, exchange) in WAYS {
            let mut seconds = 0.0;
            for round in 0..=args.rounds {
                outgoing.fill(number(world.rank(), round));
                // The barrier keeps all ranks in the same round. Without it, a fast rank could fill the buffer of 4 MiB
                // with messages that are not received yet.
                world.barrier();
                let begin = mpi::time();
                exchange(&left, &right, &outgoing, &mut incoming);
                // The first round is not timed.
                seconds += if round > 0 { mpi::time() - begin } else { 0.0 };
                let arrived = incoming.iter().all(|&item| item == number(left.rank(), round));
                ensure!(arrived, "{name}: round {round} brought other numbers than rank {} sent", left.rank());
            }
            let mut slowest = 0.0;
            world.all_reduce_into(&seconds, &mut slowest, SystemOperation::max());
            if world.rank() == 0 {
                println!("{name:<13} {:>9.1} us per exchange", slowest / f64::from(args.rounds) * 1e6);
            }
        }
        Ok(())
    })
}

/// Ranks with an even number send first, and the others receive first. With an odd number of ranks, rank 0 and the last
/// rank are neighbours that both send first: the last rank then waits until rank 0 has sent.
fn order(left: &Process<'_>, right: &Process<'_>, outgoing: &[u64], incoming: &mut [u64]) {
    let own_rank = right.as_communicator().rank();
    if own_rank % 2 == 0 {
        right.send(outgoing);
        left.receive_into(incoming);
    } else {
        left.receive_into(incoming);
        right.send(outgoing);
    }
}

/// One call sends and receives.
fn send_receive(left: &Process<'_>, right: &Process<'_>, outgoing: &[u64], incoming: &mut [u64]) {
    send_receive_into(outgoing, right, incoming, left);
}

/// The receive is started before the rank sends, so the send of the left neighbour can end.
fn non_blocking(left: &Process<'_>, right: &Process<'_>, outgoing: &[u64], incoming: &mut [u64]) {
    scope(|scope| {
        let receive = left.immediate_receive_into(scope, incoming);
        right.send(outgoing);
        receive.wait();
    });
}

/// MPI copies the message into a buffer of 4 MiB that the program gives to MPI at the start (in `lesson::run!`), so the
/// send does not wait for the receive.
fn buffered(left: &Process<'_>, right: &Process<'_>, outgoing: &[u64], incoming: &mut [u64]) {
    right.buffered_send(outgoing);
    left.receive_into(incoming);
}

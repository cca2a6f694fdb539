//! Five deadlocks that occur for certain, each with its repair.
//!
//! In a deadlock each rank of a group waits for something that only another rank of the group can do, or for a rank that
//! has ended. Each case below has a broken and a repaired form. The comment `The repair` marks the condition that chooses
//! the form.
//!
//! recv-recv:     every rank receives before it sends. Repaired: ranks with an even number send first.
//! send-send:     every rank sends before it receives, and a synchronous send ends only after the receive has started.
//!                Repaired: each rank sends and receives in one call.
//! collective:    two communicators contain the same ranks, and each rank calls a collective of each. Rank 0 uses another
//!                order than the other ranks. Repaired: all ranks use the same order.
//! wrong-tag:     the receivers wait for tag 1, and the message has tag 0. Repaired: the receivers wait for tag 0.
//! missing-rank:  the last rank does not enter a barrier. Repaired: every rank enters it.
//!
//! Run:       cargo run --bin deadlock -- --timeline
//!            cargo run --bin deadlock -- --ranks 5 --case send-send
//!            cargo run --bin deadlock -- --ranks 5 --case send-send --repaired
//!            cargo run --bin deadlock -- --case missing-rank
//! Observe:   without `--repaired` the program ends with status 3. For each rank the report names the MPI call in which
//!            the rank waits and the line of that call in this file, or says that the rank has ended. In the case
//!            `missing-rank` the communicator has the name `duplicate 1`: it is the first one that `duplicate` has
//!            made. If mpirun starts the program, mpirun prints some lines of its own after the report.
//! MPI:       MPI_Send, MPI_Ssend, MPI_Recv, MPI_Sendrecv, MPI_Comm_dup, MPI_Allreduce, MPI_Barrier
//! Python:    the original cannot deadlock: its two ranks send small messages, which MPI may store until they are
//!            received.
//! Exercise:  in `recv_recv`, change the condition to `repaired && rank == 0`, so that only rank 0 sends first. Does the
//!            program still end with `--repaired`? How many ranks can send at the same time now?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::collective::SystemOperation;
use mpi::point_to_point::send_receive_into;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// The deadlock to show
    #[arg(long, value_enum, default_value = "recv-recv")]
    case: Case,
    /// Run the repaired form of the case
    #[arg(long)]
    repaired: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Case {
    RecvRecv,
    SendSend,
    Collective,
    WrongTag,
    MissingRank,
}

fn main() -> ExitCode {
    // `hazard!` does what `run!` does in the other programs, but this program hangs on purpose: the report comes after
    // 1 second.
    lesson::hazard!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let case = match args.case {
            Case::RecvRecv => recv_recv,
            Case::SendSend => send_send,
            Case::Collective => collective,
            Case::WrongTag => wrong_tag,
            Case::MissingRank => missing_rank,
        };
        case(world, args.repaired)?;
        job::print_in_order(world, &format!("rank {} of {}: every call has returned", world.rank(), world.size()));
        Ok(())
    })
}

fn recv_recv(world: &SimpleCommunicator, repaired: bool) -> anyhow::Result<()> {
    let (rank, (left, right)) = (world.rank(), job::ring(world));
    let mut message = -1;
    // The repair: ranks with an even number send first.
    if repaired && rank % 2 == 0 {
        right.send(&rank);
        left.receive_into(&mut message);
    } else {
        left.receive_into(&mut message);
        right.send(&rank);
    }
    check(message, left.rank())
}

fn send_send(world: &SimpleCommunicator, repaired: bool) -> anyhow::Result<()> {
    let (rank, (left, right)) = (world.rank(), job::ring(world));
    let mut message = -1;
    // The repair: one call sends and receives.
    if repaired {
        send_receive_into(&rank, &right, &mut message, &left);
    } else {
        right.synchronous_send(&rank);
        left.receive_into(&mut message);
    }
    check(message, left.rank())
}

fn collective(world: &SimpleCommunicator, repaired: bool) -> anyhow::Result<()> {
    let other = world.duplicate();
    let (mut in_world, mut in_other) = (0, 0);
    // The repair: rank 0 uses the same order as the other ranks.
    if repaired || world.rank() > 0 {
        world.all_reduce_into(&1, &mut in_world, SystemOperation::sum());
        other.all_reduce_into(&1, &mut in_other, SystemOperation::sum());
    } else {
        other.all_reduce_into(&1, &mut in_other, SystemOperation::sum());
        world.all_reduce_into(&1, &mut in_world, SystemOperation::sum());
    }
    check(in_world, world.size())?;
    check(in_other, world.size())
}

fn wrong_tag(world: &SimpleCommunicator, repaired: bool) -> anyhow::Result<()> {
    if world.rank() == 0 {
        // The send is synchronous, so rank 0 waits too.
        (1..world.size()).for_each(|rank| world.process_at_rank(rank).synchronous_send_with_tag(&rank, 0));
        return Ok(());
    }
    // The repair: the receivers wait for the tag that the messages have.
    let tag = if repaired { 0 } else { 1 };
    let (message, _) = world.process_at_rank(0).receive_with_tag(tag);
    check(message, world.rank())
}

fn missing_rank(world: &SimpleCommunicator, repaired: bool) -> anyhow::Result<()> {
    // Every program of this chapter ends with a barrier of `world`, so the barrier that the last rank does not enter
    // belongs to another communicator.
    let team = world.duplicate();
    // The repair: the last rank enters the barrier too.
    if repaired || world.rank() < world.size() - 1 {
        team.barrier();
    }
    Ok(())
}

fn check(arrived: i32, expected: i32) -> anyhow::Result<()> {
    ensure!(arrived == expected, "{arrived} has arrived instead of {expected}");
    Ok(())
}

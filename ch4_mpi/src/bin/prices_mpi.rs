//! Measures what a message and a barrier of MPI cost.
//!
//! The program `prices` starts this program. The time of a message is half of the time that it needs there and back;
//! messages are measured between 2 ranks only, because more ranks would disturb them while they wait. The program prints
//! one line of JSON for each price.
//!
//! Run:       cargo run --release --bin prices_mpi -- --ranks 2

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::lesson;
use mpi::collective::SystemOperation;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Measures nothing: the ranks start and end
    #[arg(long)]
    launch: bool,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        if args.launch {
            return Ok(());
        }
        if world.size() == 2 {
            for (operation, size, rounds) in [("short_message", 8, 10_000), ("long_message", 1 << 20, 50)] {
                let seconds = message(world, size, rounds)?;
                say(world, operation, seconds);
            }
        }
        let seconds = barrier(world);
        say(world, "barrier", seconds);
        Ok(())
    })
}

fn say(world: &impl Communicator, operation: &str, seconds: f64) {
    if world.rank() == 0 {
        let workers = world.size();
        println!("{{\"operation\":\"{operation}\",\"way\":\"MPI\",\"workers\":{workers},\"seconds\":[{seconds:e}]}}");
    }
}

/// The seconds of a message, one way.
fn message(world: &impl Communicator, size: usize, rounds: u32) -> anyhow::Result<f64> {
    let partner = world.process_at_rank(1 - world.rank());
    let (mut sent, mut received) = (vec![7u8; size], vec![0; size]);
    let mut begin = mpi::time();
    // A tenth of the rounds is a warm-up.
    let warm_up = rounds / 10;
    for round in 0..warm_up + rounds {
        if round == warm_up {
            begin = mpi::time();
        }
        if world.rank() == 0 {
            (sent[0], sent[size - 1]) = (round as u8, round as u8);
            partner.send(&sent[..]);
            partner.receive_into(&mut received[..]);
            let is_right = received[0] == round as u8 && received[size - 1] == round as u8;
            ensure!(is_right, "message {round} did not come back as it was sent");
        } else {
            partner.receive_into(&mut received[..]);
            partner.send(&received[..]);
        }
    }
    Ok((mpi::time() - begin) / f64::from(rounds) / 2.0)
}

/// The seconds of a barrier, as the slowest rank measures them. With more ranks than cores a barrier takes much longer, so
/// it is repeated for some time and not for a number of times; rank 0 tells the others whether they go on.
fn barrier(world: &impl Communicator) -> f64 {
    let mut count = 10;
    loop {
        world.barrier();
        let begin = mpi::time();
        for _ in 0..count {
            world.barrier();
        }
        let (own, mut slowest) = (mpi::time() - begin, 0.0);
        world.all_reduce_into(&own, &mut slowest, SystemOperation::max());
        if slowest > 5e-3 {
            return slowest / f64::from(count);
        }
        count *= 4;
    }
}

//! Rank 0 and rank 1 send a message back and forth, which measures latency and bandwidth.
//!
//! The latency is the time that a message needs for one way: half of a round trip. For small messages it is nearly
//! constant. For large messages it grows with the number of bytes. The bandwidth is the size divided by the latency. The
//! columns are those of the OSU micro-benchmarks, well-known programs that measure MPI. Here one message is under way
//! at a time. The OSU benchmark osu_bw sends many messages before it waits, and so it reaches a larger bandwidth.
//!
//! Run:       cargo run --bin ping_pong -- --ranks 2 --only 1048576 --rounds 5 --timeline
//!            scripts/mpirun -n 2 target/debug/ping_pong
//! Observe:   in the SVG (`--svg FILE`) each message is an arrow, and only one message is under way at a time. The first
//!            command draws 6 round trips: 5 that are timed, and before them a warm-up round that is not timed. The second
//!            command prints the whole table. At which size does the latency begin to grow? At which size is the
//!            bandwidth largest? If there are more than 2 ranks, the others wait in a barrier and may slow these two down.
//! MPI:       MPI_Send, MPI_Recv, MPI_Barrier, MPI_Wtime
//! Exercise:  in the functions `ping_pong` and `echo`, replace `send` by `synchronous_send`, which returns only after the
//!            receive has started, and measure with 2 ranks. For which sizes does the latency grow, and for which does
//!            it stay nearly the same? Where does MPI keep a small message that no rank has asked for yet?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::topology::Process;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// Size of the largest message, in bytes
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES",
          value_parser = clap::value_parser!(u32).range(1..=1 << 26))]
    largest: u32,
    /// Measure this size only, in bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "largest",
          value_parser = clap::value_parser!(u32).range(1..=1 << 26))]
    only: Option<u32>,
    /// Round trips that are timed, for each size [default: fewer for larger messages]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rounds: Option<u32>,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let sizes = match args.only {
            Some(size) => vec![size],
            None => (0..27).map(|power| 1 << power).take_while(|&size| size <= args.largest).collect(),
        };
        if world.rank() == 0 {
            println!("# Size (B)  Latency (us)  Bandwidth (MB/s)");
        }
        for size in sizes {
            let rounds = args.rounds.unwrap_or(((1 << 25) / size).clamp(10, 1000));
            // The warm-up rounds are not timed.
            let warm_up = rounds / 10 + 1;
            let (mut ping, mut pong) = (vec![b'.'; size as usize], vec![0; size as usize]);
            match world.rank() {
                0 => {
                    let partner = world.process_at_rank(1);
                    ping_pong(&partner, &mut ping, &mut pong, warm_up);
                    let latency = ping_pong(&partner, &mut ping, &mut pong, rounds) / f64::from(rounds) / 2.0 * 1e6;
                    ensure!(ping == pong, "{size} bytes: the last message did not come back as it was sent");
                    println!("{size:<10}  {latency:>12.2}  {:>16.2}", f64::from(size) / latency);
                }
                1 => echo(&world.process_at_rank(0), &mut pong, warm_up + rounds),
                _ => {}
            }
        }
        world.barrier();
        Ok(())
    })
}

/// Sends messages and receives each one back. Returns the seconds of all round trips.
fn ping_pong(partner: &Process<'_>, ping: &mut [u8], pong: &mut [u8], rounds: u32) -> f64 {
    let last = ping.len() - 1;
    let begin = mpi::time();
    for round in 0..rounds {
        // Each message differs from the one before it, so that the check after the last round notices an old message.
        ping[0] = round as u8;
        ping[last] = round as u8;
        partner.send(ping);
        partner.receive_into(pong);
    }
    mpi::time() - begin
}

fn echo(partner: &Process<'_>, pong: &mut [u8], rounds: u32) {
    for _ in 0..rounds {
        partner.receive_into(pong);
        partner.send(pong);
    }
}

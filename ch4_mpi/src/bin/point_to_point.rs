//! Two ranks each send one message to another rank.
//!
//! The sender of a message names the receiver and a tag, which is a number that says what kind of message this is. The
//! receiver may ask for a certain source and a certain tag, or for any message; the status of a message says where it
//! comes from and which tag it has. The standard send, `send`, may return before the message is received, or block until
//! the receiver asks for it. Here each rank first sends or receives the number, and then the text. No rank sends to
//! itself. So no group of ranks can wait for each other in a circle.
//!
//! Run:       cargo run --bin point_to_point -- --timeline
//!            scripts/mpirun -n 9 target/debug/point_to_point
//! Observe:   rank 0 sends the number to rank n/2, and rank 1 sends the text to rank n-1, where n is the number of
//!            ranks (with two ranks, rank 0 receives the text). The rank that receives the text learns the source and
//!            the tag from the status of the message. At the end rank 0 gathers the lines of all ranks and prints them in
//!            the order of the ranks.
//! MPI:       MPI_Send, MPI_Recv, MPI_Mprobe, MPI_Mrecv
//! Python:    the receivers are ranks 4 and 8, so with fewer than 9 ranks the original ends with an error of MPI.
//! Exercise:  let the receiver of the number ask for the tag `TEXT` instead of `NUMBER`. Which ranks wait, and for
//!            what? After 10 seconds a report ends the program. Why is rank 0 not in its send?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::{job, lesson};
use mpi::traits::*;
use mpi::{Rank, Tag};

#[derive(clap::Parser)]
struct Args {
    /// The number that rank 0 sends
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    number: u64,
    /// The text that rank 1 sends
    #[arg(long, default_value = "hello")]
    text: String,
}

const NUMBER: Tag = 1;
const TEXT: Tag = 2;

fn main() -> ExitCode {
    lesson::run!(|args: Args, _lesson, world| {
        job::at_least(world, 2)?;
        let (rank, ranks) = (world.rank(), world.size());
        let (number_to, text_to) = (ranks / 2, text_receiver(ranks));
        let mut did = Vec::new();

        if rank == 0 {
            world.process_at_rank(number_to).send_with_tag(&args.number, NUMBER);
            did.push(format!("sent {} to rank {number_to}", args.number));
        }
        if rank == number_to {
            // This receiver knows the sender, and that the message is one number.
            let (number, status) = world.process_at_rank(0).receive_with_tag::<u64>(NUMBER);
            did.push(format!("received {number} from rank {} with tag {}", status.source_rank(), status.tag()));
            ensure!((status.source_rank(), status.tag(), number) == (0, NUMBER, args.number), "wrong message: {did:?}");
        }
        if rank == 1 {
            world.process_at_rank(text_to).send_with_tag(args.text.as_bytes(), TEXT);
            did.push(format!("sent {:?} to rank {text_to}", args.text));
        }
        if rank == text_to {
            // This receiver knows neither the sender nor the length: `receive_vec` probes for a message first.
            let (bytes, status) = world.any_process().receive_vec::<u8>();
            let text = String::from_utf8(bytes)?;
            did.push(format!("received {text:?} from rank {} with tag {}", status.source_rank(), status.tag()));
            ensure!((status.source_rank(), status.tag(), &text) == (1, TEXT, &args.text), "wrong message: {did:?}");
        }

        let did = if did.is_empty() { "had no message".into() } else { did.join(" and ") };
        job::print_in_order(world, &format!("rank {rank} of {ranks} {did}"));
        Ok(())
    })
}

/// The last rank receives the text. With two ranks the last rank is also the sender, and a rank that sends to itself may
/// block for ever: then rank 0 receives the text.
fn text_receiver(ranks: Rank) -> Rank {
    if ranks == 2 { 0 } else { ranks - 1 }
}

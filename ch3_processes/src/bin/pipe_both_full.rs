//! A parent sends all requests before it reads the first reply. Both pipes become full, and both processes wait for ever.
//!
//! A pipe has room for 64 KiB or less. A process that writes to a full pipe waits until the other process reads. Here the
//! child answers each request. The parent reads no reply, so the pipe of the replies becomes full and the child waits; then
//! the child reads no request, so the pipe of the requests becomes full and the parent waits. With a few short requests the
//! program ends, because the pipes do not become full. The repaired parent reads in one thread while it sends in another.
//!
//! Run:       cargo run --bin pipe_both_full
//!            cargo run --bin pipe_both_full -- --repaired
//! Observe:   the report names the cycle: each process waits for room in a pipe that only the other process can read. With
//!            `--timeline` both processes wait until the end.
//! Exercise:  set `BYTES` to 1024, to 4096 and to 8192. With which of them does the program end without the repair? Then
//!            set `BYTES` to 1024 and `REQUESTS` to 640. Would a test with few requests have found the mistake?

use std::process::ExitCode;
use std::{io, thread};

use anyhow::{Context, ensure};
use ch3_processes::{Receiver, Sender, children, pipe, spawn};
use course::{lanes, lesson};

/// How many requests the parent sends.
const REQUESTS: usize = 64;
/// The size of a request. All requests together are much larger than the pipes.
const BYTES: usize = 64 << 10;

#[derive(clap::Parser)]
struct Args {
    /// One thread of the parent reads while another one sends
    #[arg(long)]
    repaired: bool,
}

fn main() -> ExitCode {
    children![echo];
    lesson::hazard!(|args: Args, _lesson| {
        let (requests_in, requests_out) = pipe().context("a pipe")?;
        let (replies_in, replies_out) = pipe().context("a pipe")?;
        let child = spawn("echo", echo, (requests_out, replies_in))?;
        let send = || send_all(requests_in);
        let receive = || receive_all(replies_out);

        // The hazard: first one and then the other. The repair: both at the same time.
        let (sent, received) = if args.repaired {
            thread::scope(|scope| {
                let sender = scope.spawn(|| {
                    let _lane = lanes::lane("sender");
                    send()
                });
                let received = receive();
                (lanes::join(sender), received)
            })
        } else {
            (send(), receive())
        };

        sent?;
        let received = received?;
        child.join()?;
        println!("{received} replies of {BYTES} bytes have come");
        ensure!(received == REQUESTS, "{received} of {REQUESTS} replies have come");
        Ok(())
    })
}

fn send_all(mut requests: Sender<Vec<u8>>) -> io::Result<()> {
    for number in 0..REQUESTS {
        let request = vec![number as u8; BYTES];
        lanes::write_to("the requests", &mut requests, |requests| requests.send(&request))?;
    }
    Ok(())
}

/// Receives until the end of the stream. Returns how many replies were right.
fn receive_all(mut replies: Receiver<Vec<u8>>) -> io::Result<usize> {
    let mut right = 0;
    while let Some(reply) = lanes::read_from("the replies", &mut replies, Receiver::recv)? {
        right += usize::from(reply == [right as u8; BYTES]);
    }
    Ok(right)
}

/// The child: answers each request with the same bytes.
fn echo(mut requests: Receiver<Vec<u8>>, mut replies: Sender<Vec<u8>>) -> anyhow::Result<()> {
    while let Some(request) = lanes::read_from("the requests", &mut requests, Receiver::recv)? {
        lanes::write_to("the replies", &mut replies, |replies| replies.send(&request))?;
    }
    Ok(())
}

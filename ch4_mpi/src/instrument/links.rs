//! Notices that a host of the job is gone.
//!
//! If the ranks run on several hosts, each rank keeps a connection to rank 0, over which nothing is sent while all is well. The
//! kernels of the two hosts ask each other each second whether the connection stands (keep-alive, RFC 1122). If one of them does
//! not answer for a time, the connection ends with an error in both ranks: the other host has failed, or the network to it is
//! cut. The host of a rank that a signal has stopped is not taken for gone, because its kernel still answers.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use course::clock::Moment;
use rustix::net::sockopt;

use super::state;
use super::watcher::{Contact, Hello, Order, Told, connect, say};

/// How often a rank tries to connect to rank 0.
const TRIES: u32 = 5;

/// Has the kernel ask each second whether the other host still answers, and end the connection with an error if it does not
/// answer for `limit`.
pub fn keep_alive(stream: &TcpStream, limit: Duration) -> io::Result<()> {
    let second = Duration::from_secs(1);
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, second)?;
    sockopt::set_tcp_keepintvl(stream, second)?;
    sockopt::set_tcp_keepcnt(stream, limit.as_secs().clamp(1, 100) as u32)?;
    // The same limit for data that the other kernel does not acknowledge.
    sockopt::set_tcp_user_timeout(stream, u32::try_from(limit.as_millis()).unwrap_or(u32::MAX))?;
    Ok(())
}

/// Whether a connection has ended because the other host does not answer. If only the process of the other rank has ended, its
/// host closes the connection, and there is another error or none.
pub fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable)
}

/// In every rank but rank 0: keeps the connection, in a thread of its own, and ends this rank if rank 0's host is gone.
pub fn keep(rank: u32, host: String, contact: Contact, limit: Duration) {
    // If the thread cannot be started, this rank does not notice that the host of rank 0 is gone.
    let _ = thread::Builder::new().name("hang link".into()).spawn(move || {
        if let Err(error) = listen(rank, host, &contact, limit)
            && is_gone(&error)
        {
            let seconds = limit.as_secs_f64();
            // If stderr cannot be written, there is no place for the reason.
            let _ = writeln!(io::stderr(), "error: rank {rank}: the host of rank 0 has not answered for {seconds} s");
            super::exit(Moment::now());
        }
    });
}

/// Does what rank 0 asks for, until one of the two ranks ends.
fn listen(rank: u32, host: String, contact: &Contact, limit: Duration) -> io::Result<()> {
    let connected = (0..TRIES).find_map(|_| connect(contact).ok());
    // A firewall may forbid the connection. The job continues without it, because MPI has connections of its own.
    let Some(mut stream) = connected else { return Ok(()) };
    keep_alive(&stream, limit)?;
    say(&mut stream, &Hello { word: contact.word, rank, host: Some(host) })?;
    for line in BufReader::new(stream.try_clone()?).lines() {
        match serde_json::from_str(&line?)? {
            Order::Tell => {
                let told = Told::Is(state::of_this_rank(true).unwrap_or_default());
                say(&mut stream, &told)?;
            }
            Order::End(at) => super::exit(at),
            Order::Confirm { .. } => {}
        }
    }
    Ok(())
}

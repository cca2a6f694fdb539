//! Four echo servers have 1,000 clients each: serial, a thread a client, async on one thread, async on all cores.
//!
//! An echo server sends back every byte that it receives. A *serial* server serves one client, and the other clients
//! wait. A thread that reads blocks until its client sends, so a server that serves all clients together needs a thread
//! for each of them. A task that waits gives its thread back, so one thread serves all clients. *Graceful shutdown*
//! means: the server accepts no more clients, sends back what it has received, and only then ends. The clients and the
//! limits are in `ch5_async/src/echo`: if you copy this file, copy that folder too.
//!
//! Run:       cargo run --bin echo -- --clients 1000 --timeline
//! Observe:   the threads of each server and the memory that it has gained. For the three servers that serve all
//!            clients together, both are measured while all clients are connected; for the serial server, when the last
//!            client is served. A thread costs about 2 times the memory of a task, and about 2.6 times with
//!            `--timeline`. In both, 4 KiB is the buffer for the client's bytes. What the kernel keeps for threads and
//!            sockets is not counted. The threads of `async, all cores` are a worker for each core, and the main
//!            thread, which only waits. The times say little about the servers, because the clients use the same cores.
//!            At the shutdown, client 1 has sent megabytes and has not read the answers, so its bytes fill the buffers
//!            of the system. With `--serve 7000` only a server runs: talk to it with `nc 127.0.0.1 7000`.
//! Exercise:  in `serve`, delete the line `clients.wait().await;`. What does a client lose at the shutdown, and in
//!            which buffers were these bytes when the server ended?

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{process::ExitCode, thread};

use anyhow::{Context, ensure};
use ch3_processes::children;
use ch5_async::echo::clients::{Load, Served::InTurn, Served::Together};
use ch5_async::echo::connection::{BUFFER, Listener, close, for_tasks, in_time, listen, next_client, silence};
use ch5_async::echo::limits::{address, allow_open_files, cores, look_up, server_address};
use ch5_async::echo::{DRAWN, drawn, process::Parent};
use course::{lanes, lesson};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(clap::Parser)]
struct Args {
    /// Number of clients
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    clients: u16,
    /// Messages of each client
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    messages: u32,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    size: u32,
    /// Runs only a server, on all cores, until Ctrl-C; ADDR is PORT or HOST:PORT, and port 0 is any free port
    #[arg(long, value_name = "ADDR", value_parser = address, conflicts_with_all = ["connect", "clients", "messages", "size"])]
    serve: Option<String>,
    /// Runs only the clients, against an echo server at ADDR
    #[arg(long, value_name = "ADDR", value_parser = server_address)]
    connect: Option<String>,
}

fn main() -> ExitCode {
    children![serial, thread_a_client, one_thread, all_cores];
    lesson::run!(|args: Args, lesson| {
        let (clients, messages, size) = (args.clients.into(), args.messages as usize, args.size as usize);
        let load = Load { clients, messages, size, seed: lesson.seed() };
        if let Some(address) = args.serve {
            let listener = listen(&address)?;
            println!("listening on {}", listener.local_addr()?);
            return on_all_cores(listener, CancellationToken::new());
        }
        allow_open_files(clients)?;
        println!("{load}");
        if let Some(address) = args.connect {
            println!("every byte came back in {:.3} s", load.run(look_up(&address)?)?.as_secs_f64());
            return Ok(());
        }
        let serial = load.measure("serial", serial, InTurn)?;
        let threads = load.measure("thread a client", thread_a_client, Together)?;
        let one = load.measure("async, one thread", one_thread, Together)?;
        let all = load.measure("async, all cores", all_cores, Together)?;
        ensure!(
            serial.threads == 1 && threads.threads == 1 + clients,
            "serial must have 1 thread and `thread a client` 1 + {clients}, but they have {} and {}",
            serial.threads,
            threads.threads
        );
        ensure!(one.threads == 1, "the tasks need more than one thread");
        ensure!(all.threads <= 1 + cores(), "the tasks need more than a thread for each core, and the main thread");

        let sent = load.stop_in_the_middle("shutdown", all_cores)?;
        println!("shutdown: client 1 had sent {sent} bytes and each other client one message; all bytes came back");
        Ok(())
    })
}

/// Serves one client after the other.
fn serial(clients: usize, parent: Parent) -> anyhow::Result<()> {
    let (listener, _) = parent.listen()?;
    for _ in 0..clients {
        let (stream, _) = lanes::wait("a client", || listener.accept())?;
        let _ = blocking_echo(stream); // An error is that of this client. The server goes on.
    }
    Ok(())
}

/// Serves each client in a thread of its own.
fn thread_a_client(clients: usize, parent: Parent) -> anyhow::Result<()> {
    let (listener, _) = parent.listen()?;
    let mut threads = Vec::new();
    for number in 1..=clients {
        let (stream, _) = lanes::wait("a client", || listener.accept())?;
        let serve = move || {
            let _lane = (number <= DRAWN).then(|| lanes::lane(format_args!("client {number}")));
            let _ = blocking_echo(stream);
        };
        threads.push(thread::Builder::new().spawn(serve).context("starting a thread")?);
    }
    lanes::join_all(threads);
    Ok(())
}

fn blocking_echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match lanes::wait("bytes", || stream.read(&mut buffer))? {
            0 => return Ok(()), // The client sends no more.
            read => stream.write_all(&buffer[..read])?,
        }
    }
}

/// Serves all clients in the main thread, which runs their tasks.
fn one_thread(_: usize, parent: Parent) -> anyhow::Result<()> {
    let (listener, stop) = parent.listen()?;
    let event_loop = Builder::new_current_thread().enable_all().build()?;
    let server = serve(for_tasks(listener, &event_loop)?, stop);
    lanes::work("event loop", || event_loop.block_on(server));
    Ok(())
}

/// Serves all clients in a thread for each core.
fn all_cores(_: usize, parent: Parent) -> anyhow::Result<()> {
    let (listener, stop) = parent.listen()?;
    on_all_cores(listener, stop)
}

fn on_all_cores(listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(cores()).enable_all().build()?;
    // A task, so that the workers run it. The main thread only waits.
    let server = runtime.spawn(serve(for_tasks(listener, &runtime)?, stop));
    Ok(lanes::wait("server", || runtime.block_on(server))?)
}

/// Serves each client in a task of its own, until `stop`. Then it accepts no more clients, and ends when every client has
/// got back all bytes that it sent. It is `pub` for the test that runs it on a simulated network.
pub async fn serve<L: Listener>(listener: L, stop: CancellationToken) {
    let clients = TaskTracker::new();
    for number in 1.. {
        let Some(stream) = stop.run_until_cancelled(next_client(&listener)).await else { break };
        // An error of `echo` ends this task, and not the server.
        clients.spawn(drawn(number, in_time(stop.clone(), echo(stream, stop.clone()))));
    }
    drop(listener); // From here on the system refuses new clients.
    clients.close(); // No task is added any more, so `wait` returns after the last one.
    clients.wait().await;
}

/// Echoes until the client sends no more, or, after `stop`, until the client is silent.
async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, stop: CancellationToken) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = tokio::select! {
            biased; // If bytes have arrived, read them before looking at the end.
            read = stream.read(&mut buffer) => read?,
            () = silence(&stop) => 0,
        };
        if read == 0 {
            return close(stream, &mut buffer).await;
        }
        // The task reads again only after it has written these bytes. So a client that never reads fills one buffer and
        // not the memory.
        stream.write_all(&buffer[..read]).await?;
    }
}

//! The asynchronous server of `echo` on a simulated network: links that are slow, held, cut and repaired, and clients that vanish.
//!
//! The time is simulated too, so no test waits for the clock, and a seed decides everything that happens.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use ch5_async::echo::clients::{Load, exchange, finish};
use ch5_async::echo::connection::{Listener, OVERTIME, SILENCE};
use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use turmoil::net::{TcpListener, TcpStream};
use turmoil::{Builder, Result, Sim};

// The program itself: what is tested is what the learner reads.
#[allow(dead_code, reason = "the test runs only the server of the program, and not its `main`")]
#[path = "../src/bin/echo.rs"]
mod echo;

const PORT: u16 = 7;
const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(5);
/// How long a client waits for bytes that may be lost.
const PATIENCE: Duration = Duration::from_secs(20);
const LOAD: Load = Load { clients: 10, messages: 10, size: 1000, seed: 42 };

struct Simulated(TcpListener);

impl Listener for Simulated {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        self.0.accept().await.map(|(stream, _)| stream)
    }
}

/// The server of a simulation.
#[derive(Clone, Default)]
struct Server {
    /// Cancelled when it listens.
    listens: CancellationToken,
    stop: CancellationToken,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// Starts it as the host `server`.
    fn start(sim: &mut Sim<'_>) -> Self {
        let server = Self::default();
        let started = server.clone();
        sim.host("server", move || {
            let Self { listens, stop, ended } = started.clone();
            async move {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
                listens.cancel();
                echo::serve(Simulated(listener), stop).await;
                ended.store(true, SeqCst);
                // A host whose program has ended answers nothing, not even that it refuses a client.
                std::future::pending().await
            }
        });
        server
    }

    /// Stops it, and checks that it ends although clients may have vanished, or do not read.
    async fn ends(&self) {
        self.stop.cancel();
        let limit = Instant::now() + OVERTIME + SECOND;
        while !self.ended.load(SeqCst) {
            assert!(Instant::now() < limit, "the server has stopped and does not end");
            sleep(SILENCE).await;
        }
    }
}

fn builder(seed: u64) -> Builder {
    let mut builder = Builder::new();
    builder.simulation_duration(1000 * SECOND).tick_duration(TICK).rng_seed(seed).enable_random_order();
    builder
}

async fn connect() -> io::Result<TcpStream> {
    TcpStream::connect(("server", PORT)).await
}

/// All messages of a client, one after the other.
async fn all_messages(number: usize) -> anyhow::Result<()> {
    let mut stream = connect().await?;
    let mut bytes = LOAD.bytes_of(number);
    let mut message = vec![0; LOAD.size];
    for _ in 0..LOAD.messages {
        bytes.fill_bytes(&mut message);
        exchange(&mut stream, &message).await?;
    }
    finish(stream).await
}

/// Sends all messages without waiting for the answers, and returns how many bytes came back. It gives up a connection that is silent
/// for [`PATIENCE`]. What comes back is the begin of what was sent. If the server closed the connection without an error, and
/// has not been told to stop, then all bytes came back.
async fn what_comes_back(number: usize, server: &Server) -> usize {
    let Ok(stream) = connect().await else { return 0 };
    let mut sent = vec![0; LOAD.size * LOAD.messages];
    LOAD.bytes_of(number).fill_bytes(&mut sent);
    let (mut reader, mut writer) = stream.into_split();
    let mut got = Vec::new();
    let mut buffer = [0; 512];
    let sends = async {
        for message in sent.chunks(LOAD.size) {
            writer.write_all(message).await?;
            sleep(SILENCE / 4).await;
        }
        writer.shutdown().await
    };
    let receives = async {
        loop {
            match timeout(PATIENCE, reader.read(&mut buffer)).await {
                Ok(Ok(0)) => return true,
                Ok(Ok(read)) => got.extend_from_slice(&buffer[..read]),
                _ => return false,
            }
        }
    };
    let (went, ended_well) = tokio::join!(timeout(PATIENCE, sends), receives);
    assert!(sent.starts_with(&got), "client {number} got bytes that it did not send");
    let good = ended_well && matches!(went, Ok(Ok(()))) && !server.stop.is_cancelled();
    assert!(!good || got == sent, "client {number} got an end before its bytes");
    got.len()
}

/// Adds `clients` clients, and one that waits until they have ended, and then checks that the server can be stopped.
fn run<F: Future<Output = anyhow::Result<()>> + 'static>(
    mut sim: Sim<'_>,
    clients: usize,
    client: impl Fn(usize, Server) -> F,
) -> Result {
    let server = Server::start(&mut sim);
    let all = Rc::new(Barrier::new(clients + 1));
    for number in 1..=clients {
        let (client, all) = (client(number, server.clone()), Rc::clone(&all));
        let listens = server.listens.clone();
        sim.client(format!("client-{number}"), async move {
            listens.cancelled().await;
            client.await?;
            all.wait().await;
            Ok(())
        });
    }
    sim.client("observer", async move {
        all.wait().await;
        server.ends().await;
        Ok(())
    });
    sim.run()
}

#[test]
fn every_byte_comes_back_over_slow_links() -> Result {
    for seed in 0..20 {
        let sim = builder(seed).max_message_latency(SECOND).build();
        run(sim, LOAD.clients, |number, _| all_messages(number))?;
    }
    Ok(())
}

#[test]
fn a_held_link_holds_no_other_client_and_loses_nothing() -> Result {
    let others = Rc::new(Barrier::new(LOAD.clients));
    run(builder(1).build(), LOAD.clients, |number, _| {
        let others = Rc::clone(&others);
        async move {
            if number > 1 {
                all_messages(number).await?;
                others.wait().await;
                return Ok(());
            }
            let mut stream = connect().await?;
            exchange(&mut stream, b"before").await?;
            turmoil::hold("client-1", "server");
            let (held, ()) = tokio::join!(exchange(&mut stream, b"while the link is held"), async {
                // The link is released only when the others have been served.
                others.wait().await;
                turmoil::release("client-1", "server");
            });
            held?;
            finish(stream).await
        }
    })
}

#[test]
fn a_cut_link_loses_bytes_but_never_changes_them_and_a_repaired_one_serves_again() -> Result {
    let lost = Rc::new(AtomicUsize::new(0));
    for seed in 0..20 {
        let lost = Rc::clone(&lost);
        run(builder(seed).build(), LOAD.clients, move |number, server| {
            let lost = Rc::clone(&lost);
            async move {
                let name = format!("client-{number}");
                let cut = async {
                    if number.is_multiple_of(2) {
                        // Each at another moment of its messages.
                        sleep(SILENCE / 4 * u32::try_from(number)?).await;
                        turmoil::partition(name.as_str(), "server");
                        sleep(SECOND).await;
                        turmoil::repair(name.as_str(), "server");
                    }
                    anyhow::Ok(())
                };
                let (got, cut) = tokio::join!(what_comes_back(number, &server), cut);
                cut?;
                let all = LOAD.size * LOAD.messages;
                anyhow::ensure!(number.is_multiple_of(2) || got == all, "client {number} got only {got} bytes");
                lost.fetch_add(all - got, SeqCst);
                all_messages(number).await
            }
        })?;
    }
    assert!(lost.load(SeqCst) > 0, "no link was cut in the middle of the messages");
    Ok(())
}

#[test]
fn a_network_that_loses_messages_at_random_never_changes_a_byte() -> Result {
    let (whole, cut) = (Rc::new(AtomicUsize::new(0)), Rc::new(AtomicUsize::new(0)));
    for seed in 0..30 {
        let (whole, cut) = (Rc::clone(&whole), Rc::clone(&cut));
        let sim = builder(seed).fail_rate(0.01).repair_rate(0.5).build();
        run(sim, LOAD.clients, move |number, server| {
            let (whole, cut) = (Rc::clone(&whole), Rc::clone(&cut));
            async move {
                let got = what_comes_back(number, &server).await;
                let ends = if got == LOAD.size * LOAD.messages { &whole } else { &cut };
                ends.fetch_add(1, SeqCst);
                Ok(())
            }
        })?;
    }
    assert!(whole.load(SeqCst) > 0 && cut.load(SeqCst) > 0, "whole: {whole:?}, cut: {cut:?}");
    Ok(())
}

#[test]
fn half_of_the_clients_vanish_in_the_middle_of_a_message() -> Result {
    for seed in 0..20 {
        run(builder(seed).build(), LOAD.clients, |number, _| async move {
            if number.is_multiple_of(2) {
                let mut stream = connect().await?;
                exchange(&mut stream, b"a whole message").await?;
                stream.write_all(b"half a mess").await?;
                if number.is_multiple_of(4) {
                    // Its end does not reach the server.
                    turmoil::partition(format!("client-{number}"), "server");
                }
                return Ok(());
            }
            all_messages(number).await
        })?;
    }
    Ok(())
}

#[test]
fn what_has_arrived_before_the_stop_comes_back_and_nothing_more_is_accepted() -> Result {
    for seed in 0..20 {
        run(builder(seed).build(), 1, |number, server| async move {
            let mut stream = connect().await?;
            let mut sent = vec![0; 100_000];
            LOAD.bytes_of(number).fill_bytes(&mut sent);
            let (first, last) = sent.split_at(10);
            exchange(&mut stream, first).await?;
            stream.write_all(last).await?;
            // It arrives within a tenth of a second. Then no answer can leave the server until the link is released.
            sleep(SECOND).await;
            turmoil::hold("client-1", "server");
            server.stop.cancel();
            sleep(SECOND).await;
            turmoil::release("client-1", "server");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            anyhow::ensure!(answer == last, "of {} bytes came back {}", last.len(), answer.len());
            sleep(SECOND).await;
            anyhow::ensure!(server.ended.load(SeqCst), "the client has its bytes, and the server does not end");
            anyhow::ensure!(connect().await.is_err(), "a client was accepted after the stop");
            Ok(())
        })?;
    }
    Ok(())
}

/// The server is told to stop while clients send; the answers are checked by what each client gets.
fn stop_while_clients_send(latency: Duration, check: impl Fn(usize) + Clone + 'static) -> Result {
    for seed in 0..20 {
        let check = check.clone();
        run(builder(seed).max_message_latency(latency).build(), LOAD.clients, move |number, server| {
            let check = check.clone();
            async move {
                let stop = async {
                    sleep(SILENCE).await;
                    server.stop.cancel();
                };
                let (got, ()) = tokio::join!(what_comes_back(number, &server), stop);
                check(got);
                Ok(())
            }
        })?;
    }
    Ok(())
}

#[test]
fn a_client_that_goes_on_sending_after_the_stop_gets_all_of_it() -> Result {
    // No message comes so late that the client counts as silent.
    stop_while_clients_send(SILENCE / 10, |got| assert_eq!(got, LOAD.size * LOAD.messages))
}

#[test]
fn a_client_that_counts_as_silent_after_the_stop_gets_a_begin_of_what_it_sent() -> Result {
    let (whole, cut) = (Rc::new(AtomicUsize::new(0)), Rc::new(AtomicUsize::new(0)));
    let seen = (Rc::clone(&whole), Rc::clone(&cut));
    stop_while_clients_send(10 * SILENCE, move |got| {
        let ends = if got == LOAD.size * LOAD.messages { &seen.0 } else { &seen.1 };
        ends.fetch_add(1, SeqCst);
    })?;
    assert!(cut.load(SeqCst) > 0, "whole: {whole:?}, cut: {cut:?}");
    Ok(())
}

#[test]
fn a_client_that_does_not_read_holds_neither_the_others_nor_the_end() -> Result {
    let others = Rc::new(Barrier::new(LOAD.clients));
    run(builder(1).tcp_capacity(4).build(), LOAD.clients, |number, server| {
        let others = Rc::clone(&others);
        async move {
            if number > 1 {
                all_messages(number).await?;
                others.wait().await;
                return Ok(());
            }
            let mut stream = connect().await?;
            let flood = async {
                for _ in 0..1000 {
                    stream.write_all(&[7; 1000]).await?;
                }
                io::Result::Ok(())
            };
            anyhow::ensure!(
                timeout(PATIENCE, flood).await.is_err(),
                "the server read without end, although its answers were not read"
            );
            others.wait().await;
            let begin = Instant::now();
            server.stop.cancel();
            sleep(SECOND).await;
            anyhow::ensure!(!server.ended.load(SeqCst), "the server did not wait for the client to read");
            let late = timeout(SECOND, connect()).await;
            anyhow::ensure!(matches!(late, Ok(Err(_))), "the server still accepts, although it has been stopped");
            server.ends().await;
            let took = begin.elapsed();
            anyhow::ensure!(took >= OVERTIME, "the server gave the client only {took:?} to read");
            Ok(())
        }
    })
}

#[test]
fn a_client_that_sends_after_the_end_is_not_reset() -> Result {
    let latency = SILENCE / 5;
    let sim = builder(1).min_message_latency(latency).max_message_latency(latency).build();
    run(sim, 1, |_, server| async move {
        let mut stream = connect().await?;
        exchange(&mut stream, b"a message").await?;
        server.stop.cancel();
        sleep(SILENCE).await;
        // It arrives when the server has said that nothing more comes. The reset would arrive before the next message is sent.
        stream.write_all(b"late").await?;
        sleep(3 * latency).await;
        stream.write_all(b"later").await?;
        finish(stream).await
    })
}

//! Many clients that send messages to an echo server and check every byte of the answers.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use ch3_processes::process::Function;
use course::lanes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::drawn;
use super::limits::cores;
use super::process::{Parent, ServerProcess, Usage};

/// If no client gets an answer for this time, the server is taken for dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a client that does not read waits for room to send more.
const NO_ROOM: Duration = Duration::from_millis(50);

/// A client that does not read sends at most this number of bytes.
const FLOOD: usize = 64 << 20;

/// The last message before the server stops has at most this length: the buffers of the system hold it, so a client can send it
/// although the server does not read.
const LAST: usize = 4 << 10;

/// What the clients send.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The number of clients.
    pub clients: usize,
    /// The messages that each client sends, one after the other: the next one when the answer has come.
    pub messages: usize,
    /// The bytes of each message.
    pub size: usize,
    /// The seed of the bytes.
    pub seed: u64,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} clients, messages of each: {} of {} bytes", self.clients, self.messages, self.size)
    }
}

/// Whether the server serves all clients at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Perhaps not: a client may have to wait until other clients have left.
    InTurn,
    /// Yes: no client sends its second message, or leaves, before each client has the answer to its first message.
    Together,
}

impl Load {
    /// The bytes of a client. No two clients send the same.
    #[must_use]
    pub fn bytes_of(&self, client: usize) -> StdRng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&(client as u64).to_le_bytes());
        StdRng::from_seed(seed)
    }

    /// Runs the clients against a server at this address.
    ///
    /// # Errors
    /// A client was not answered, or not with its own bytes.
    pub fn run(&self, address: SocketAddr) -> anyhow::Result<Duration> {
        self.run_and_watch(address, Served::InTurn, || Ok(())).map(|(took, ())| took)
    }

    /// Starts a process for `server`, runs the clients against it, prints what that took, and returns what the server needed
    /// when the last client had got its first answer.
    ///
    /// # Errors
    /// The server failed, or a client was not answered, or not with its own bytes.
    pub fn measure(
        &self,
        name: &str,
        server: impl Function<(usize, Parent), Value = ()>,
        served: Served,
    ) -> anyhow::Result<Usage> {
        let server = ServerProcess::start(name, server, self.clients)?;
        let id = server.id();
        let ran = self.run_and_watch(server.address, served, move || Usage::of(id));
        let before = server.before;
        let (took, now) = server.end(ran)?;
        let used = before.to(now);
        let (seconds, memory) = (took.as_secs_f64(), used.memory >> 10);
        println!("{name:18} {seconds:6.3} s, threads {:5}, memory {memory:7} KiB", used.threads);
        Ok(used)
    }

    /// Runs the clients. When the last of them has its first answer, it calls `watch`.
    fn run_and_watch<T: Send + 'static>(
        &self,
        address: SocketAddr,
        served: Served,
        watch: impl Fn() -> anyhow::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<(Duration, T)> {
        let (seen, mut watched) = mpsc::channel(1);
        let answered = Answered {
            clients: self.clients,
            all: self.clients * self.messages,
            answers: 0.into(),
            first_answers: 0.into(),
            meeting: (served == Served::Together).then(|| Barrier::new(self.clients)),
            watch: Box::new(move || {
                // There is room for the only value.
                let _ = seen.try_send(watch()?);
                Ok(())
            }),
        };
        let (load, answered) = (*self, Arc::new(answered));
        let runtime = runtime()?;
        let begin = Instant::now();
        lanes::wait("clients", || {
            runtime.block_on(async {
                let clients = (1..=load.clients).map(|number| client(number, load, address, Arc::clone(&answered)));
                tokio::select! {
                    done = all(clients) => done,
                    error = answered.none_for_long() => Err(error),
                }
            })
        })?;
        let took = begin.elapsed();
        Ok((took, watched.try_recv().context("no client was answered")?))
    }

    /// Starts a process for `server`, and tells it to stop when clients have sent messages and not read the answers: the
    /// first client as much as the buffers on the way hold, the other clients one message each. Checks that all of it comes
    /// back, and then the end of the stream. Returns how many bytes the first client sent.
    ///
    /// # Errors
    /// The server failed, or a client got less or more than it is owed.
    pub fn stop_in_the_middle(
        &self,
        name: &str,
        server: impl Function<(usize, Parent), Value = ()>,
    ) -> anyhow::Result<usize> {
        let server = ServerProcess::start(name, server, self.clients)?;
        let (load, address) = (*self, server.address);
        let all_have_sent = Arc::new(Barrier::new(load.clients + 1));
        let (flooded, mut floods) = mpsc::channel(1);
        let runtime = runtime()?;
        lanes::wait("clients", || {
            runtime.block_on(async {
                let clients = (1..=load.clients)
                    .map(|number| owed(number, load, address, Arc::clone(&all_have_sent), flooded.clone()));
                let mut clients = pin!(all(clients));
                let (server, done) = tokio::select! {
                    _ = all_have_sent.wait() => (server.tell_to_stop(), clients.await),
                    failed = &mut clients => (server, failed),
                };
                server.end(done)
            })
        })?;
        floods.try_recv().context("the first client sent nothing")
    }
}

/// A thread for each core, for all clients.
fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(cores())
        .thread_name("clients")
        .enable_all()
        .build()
        .context("starting the threads of the clients")
}

/// Waits for all clients. The first error ends the others.
async fn all(
    clients: impl IntoIterator<Item = impl Future<Output = anyhow::Result<()>> + Send + 'static>,
) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for (index, client) in clients.into_iter().enumerate() {
        let number = index + 1;
        running.spawn(drawn(number, async move { client.await.with_context(|| format!("client {number}")) }));
    }
    while let Some(client) = running.join_next().await {
        client??;
    }
    Ok(())
}

/// How far the clients of a load are.
struct Answered {
    clients: usize,
    /// How many answers all clients get together.
    all: usize,
    answers: AtomicUsize,
    first_answers: AtomicUsize,
    /// Where all clients wait for each other after their first answer, if they do.
    meeting: Option<Barrier>,
    watch: Box<dyn Fn() -> anyhow::Result<()> + Send + Sync>,
}

impl Answered {
    /// A client has got its first answer.
    async fn first(&self) -> anyhow::Result<()> {
        if self.first_answers.fetch_add(1, SeqCst) + 1 == self.clients {
            (self.watch)()?;
        }
        if let Some(meeting) = &self.meeting {
            meeting.wait().await;
        }
        Ok(())
    }

    /// Returns an error when no answer has come for [`PATIENCE`].
    async fn none_for_long(&self) -> anyhow::Error {
        let mut before = 0;
        loop {
            sleep(PATIENCE).await;
            let now = self.answers.load(SeqCst);
            if now == self.all && now == before {
                return anyhow!(
                    "the server: it has not closed the connections, {} s after its last answer",
                    PATIENCE.as_secs()
                );
            }
            if now == before {
                return anyhow!("the server: no answer for {} s, answers before that: {now}", PATIENCE.as_secs());
            }
            before = now;
        }
    }
}

/// A client: sends its messages, checks the answers, and closes.
async fn client(number: usize, load: Load, address: SocketAddr, answered: Arc<Answered>) -> anyhow::Result<()> {
    let mut stream = connect(address).await?;
    let mut bytes = load.bytes_of(number);
    let mut message = vec![0; load.size];
    for sent in 1..=load.messages {
        bytes.fill_bytes(&mut message);
        exchange(&mut stream, &message).await.with_context(|| format!("message {sent}"))?;
        answered.answers.fetch_add(1, SeqCst);
        if sent == 1 {
            answered.first().await?;
        }
    }
    finish(stream).await
}

/// Connects to a server.
async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
    // Otherwise the system keeps a short message back until the one before it has been confirmed.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a message and checks the answer. It reads while it writes: a server that reads no more before its answer is written
/// would otherwise wait for this client, and this client for the server, once the message is longer than the buffers.
///
/// # Errors
/// The connection is broken, or the answer is not the message.
pub async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), message: &[u8]) -> anyhow::Result<()> {
    let mut answer = vec![0; message.len()];
    let (mut reader, mut writer) = split(stream);
    tokio::try_join!(writer.write_all(message), reader.read_exact(&mut answer))?;
    ensure!(answer == message, "the answer is not the message");
    Ok(())
}

/// Says that no more messages come, and checks that the server then closes too, without another byte.
///
/// # Errors
/// The connection is broken, or another byte came.
pub async fn finish(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> anyhow::Result<()> {
    stream.shutdown().await?;
    ends(&mut stream).await
}

/// Checks that the server has nothing more to say.
async fn ends(stream: &mut (impl AsyncRead + Unpin)) -> anyhow::Result<()> {
    let more = stream.read(&mut [0; 64]).await.context("the end of the answers")?;
    ensure!(more == 0, "the server sent more than it got");
    Ok(())
}

/// A client that is served, sends once more, and reads only when the server has been told to stop.
async fn owed(
    number: usize,
    load: Load,
    address: SocketAddr,
    all_have_sent: Arc<Barrier>,
    flooded: mpsc::Sender<usize>,
) -> anyhow::Result<()> {
    let mut stream = connect(address).await?;
    let mut bytes = load.bytes_of(number);
    let mut message = vec![0; load.size.min(LAST)];
    bytes.fill_bytes(&mut message);
    // From its answer on, the server has accepted this client.
    timeout(PATIENCE, exchange(&mut stream, &message)).await.context("no answer to the first message")??;
    bytes.fill_bytes(&mut message);
    let mut sent = message.len();
    if number == 1 {
        sent = flood(&stream, &message).await?;
        // It has room for the only value.
        let _ = flooded.try_send(sent);
    } else {
        stream.write_all(&message).await.context("the last message")?;
    }
    all_have_sent.wait().await;

    let mut answer = Vec::new();
    let got = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.context("no end of the answers")?;
    got.with_context(|| format!("bytes lost after the stop: {} of {sent}", sent - answer.len().min(sent)))?;
    ensure!(answer.len() == sent, "bytes sent before the stop: {sent}, bytes that came back: {}", answer.len());
    ensure!(answer.iter().eq(message.iter().cycle().take(sent)), "the answer is not the message");
    Ok(())
}

/// Sends a message again and again, without reading, until the system takes no more. Returns how many bytes it has taken.
async fn flood(stream: &TcpStream, message: &[u8]) -> anyhow::Result<usize> {
    let mut sent = 0;
    let long = message.repeat((1_usize << 20).div_ceil(message.len()));
    // The system takes the more the longer this waits. If it waits too short, it only sends less.
    while sent < FLOOD
        && let Ok(writable) = timeout(NO_ROOM, stream.writable()).await
    {
        writable?;
        match stream.try_write(&long[sent % message.len()..]) {
            Ok(taken) => sent += taken,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_the_bytes_and_no_two_clients_send_the_same() {
        let bytes = |seed, client| {
            let mut bytes = [0; 64];
            Load { clients: 2, messages: 1, size: 64, seed }.bytes_of(client).fill_bytes(&mut bytes);
            bytes
        };
        assert_eq!(bytes(1, 1), bytes(1, 1));
        assert_ne!(bytes(1, 1), bytes(1, 2));
        assert_ne!(bytes(1, 1), bytes(2, 1));
    }
}

//! How a server accepts clients, and how it ends a connection without losing a byte.
//!
//! The functions know nothing of sockets but [`AsyncRead`] and [`AsyncWrite`], so that a test can drive a server over a
//! simulated network.

use std::future::Future;
use std::io::{self, Write, stderr};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::limits::allow_open_files;

/// The bytes that a server keeps for each client: it reads at most this number, and reads again only after it has written them.
pub const BUFFER: usize = 4 << 10;

/// Once a server stops, a client that has sent nothing for this time has sent everything.
pub const SILENCE: Duration = Duration::from_millis(100);

/// Once a server stops, a client has this time to read its answers. After it the connection is cut.
pub const OVERTIME: Duration = Duration::from_secs(10);

/// How long a server waits before it accepts again after an error. The usual error is that the process has too many open files,
/// and it lasts until a client leaves.
const AFTER_ERROR: Duration = Duration::from_millis(20);

/// How many clients the system lets wait until the server accepts them, if `net.core.somaxconn` allows it.
const BACKLOG: i32 = 4096;

/// A socket that accepts clients.
pub trait Listener: Send + 'static {
    /// The connection to a client.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for a client.
    ///
    /// # Errors
    /// The system gives no connection now. It may give one later.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        let (stream, _) = self.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A socket that accepts clients at this address. It can hold many clients that the server has not accepted yet, and the
/// process may open as many files as the system allows.
///
/// # Errors
/// The address is not one of this machine, or is in use, or the process may open too few files.
pub fn listen(address: &str) -> anyhow::Result<TcpListener> {
    allow_open_files(1)?;
    let listen = || {
        let listener = TcpListener::bind(address)?;
        // std asks for 128. The system drops what exceeds the number, and a client tries again only after a second.
        rustix::net::listen(&listener, BACKLOG)?;
        io::Result::Ok(listener)
    };
    listen().with_context(|| format!("listening on {address}"))
}

/// Makes the tasks of `runtime` accept from `listener`.
///
/// # Errors
/// The system refused.
pub fn for_tasks(listener: TcpListener, runtime: &Runtime) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    let _context = runtime.enter();
    tokio::net::TcpListener::from_std(listener)
}

/// Waits for the next client. An error does not end the server: it pauses, and accepts again.
pub async fn next_client<L: Listener>(listener: &L) -> L::Stream {
    // Once is enough: the error comes again and again.
    static SAID: AtomicBool = AtomicBool::new(false);
    loop {
        match listener.accept().await {
            Ok(stream) => return stream,
            Err(error) => {
                if !SAID.swap(true, Relaxed) {
                    // A remark that cannot be printed is no reason to end the server.
                    let _ = writeln!(stderr(), "remark: a client must wait: {error}");
                }
                sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// Waits until the server stops, and then for [`SILENCE`].
pub async fn silence(stop: &CancellationToken) {
    stop.cancelled().await;
    // In parts: before each part ends, the runtime asks the system what has arrived, for at most 1,024 clients at once. So no
    // client counts as silent only because its turn has not come.
    for _ in 0..10 {
        sleep(SILENCE / 10).await;
    }
}

/// Runs the task of a client until it ends. Once the server stops, the task has [`OVERTIME`] to end, and is then dropped.
pub async fn in_time<T>(stop: CancellationToken, task: impl Future<Output = T>) -> Option<T> {
    let too_late = async {
        stop.cancelled().await;
        sleep(OVERTIME).await;
    };
    tokio::select! {
        done = task => Some(done),
        () = too_late => None,
    }
}

/// Closes a connection: tells the client that nothing more comes, and discards what it still sends, until it closes its side
/// too or is silent. If the server dropped the stream while bytes arrive, the system would reset the connection,
/// and the client would lose answers that it has not read yet.
///
/// # Errors
/// The connection is broken already.
pub async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin, buffer: &mut [u8]) -> io::Result<()> {
    stream.shutdown().await?;
    while let Ok(read) = timeout(SILENCE, stream.read(buffer)).await {
        if read? == 0 {
            break;
        }
    }
    Ok(())
}

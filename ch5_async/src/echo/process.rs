//! A server in a process of its own: its threads and its memory are not those of the clients.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use std::{fs, thread};

use anyhow::Context;
use ch3_processes::process::Function;
use ch3_processes::{Child, Receiver, Sender, pipe, spawn};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::connection::listen;

/// How long a server may take to say why it has failed, once a client has noticed it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a process uses at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its threads, whether they run or wait.
    pub threads: usize,
    /// The bytes of its memory that are resident, which means: that occupy memory of the machine (`VmRSS`). What the kernel keeps
    /// for its sockets and threads does not count.
    pub memory: u64,
}

impl Usage {
    /// What process `id` uses now, from `/proc/ID/status`.
    ///
    /// # Errors
    /// There is no such process.
    pub fn of(id: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{id}/status");
        let status = fs::read_to_string(&path).with_context(|| path.clone())?;
        let number = |name: &str| -> anyhow::Result<u64> {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
            value.and_then(|value| value.parse().ok()).with_context(|| format!("{path}: no {name}"))
        };
        Ok(Self { threads: number("Threads:")? as usize, memory: number("VmRSS:")? << 10 })
    }

    /// What a process with this usage at its begin needs for its work, if it uses this much `now`: its threads with the main
    /// thread, but without the helpers that it had at its begin (they wait for Ctrl-C and for the parent); and the memory that
    /// it has gained.
    #[must_use]
    pub fn to(self, now: Self) -> Self {
        let helpers = self.threads - 1;
        Self { threads: now.threads - helpers, memory: now.memory.saturating_sub(self.memory) }
    }
}

/// What a server process has of its parent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Parent {
    started: Sender<(SocketAddr, Usage)>,
    stop: Receiver<()>,
}

impl Parent {
    /// Begins to listen on a free port of this machine, and tells the parent which port. The token is cancelled when the parent
    /// says that the server is to stop.
    ///
    /// # Errors
    /// The system gave no socket or no thread, or the parent has ended.
    pub fn listen(self) -> anyhow::Result<(TcpListener, CancellationToken)> {
        let Self { mut started, stop: mut end } = self;
        let listener = listen("127.0.0.1:0")?;
        let stop = CancellationToken::new();
        let told = stop.clone();
        thread::Builder::new()
            .name("stop".into())
            .spawn(move || {
                // The parent sends nothing: `recv` returns when it drops its end.
                let _ = end.recv();
                told.cancel();
            })
            .context("starting a thread")?;
        started.send(&(listener.local_addr()?, Usage::of(std::process::id())?)).context("telling the address")?;
        Ok((listener, stop))
    }
}

/// A server process, as its parent sees it.
#[derive(Debug)]
pub struct ServerProcess {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it used when it began to listen: before the first client, and before it started threads for its clients.
    pub before: Usage,
    child: Child<()>,
    /// Dropped to tell the server to stop.
    stop: Option<Sender<()>>,
}

impl ServerProcess {
    /// Starts a process that calls `server` with the number of clients, and waits until the process listens.
    ///
    /// # Errors
    /// The process cannot be started, or it failed.
    pub fn start(
        name: &str,
        server: impl Function<(usize, Parent), Value = ()>,
        clients: usize,
    ) -> anyhow::Result<Self> {
        let (started, mut said) = pipe()?;
        let (stop, told) = pipe()?;
        let child = spawn(name, server, (clients, Parent { started, stop: told }))?;
        match said.recv()? {
            Some((address, before)) => Ok(Self { address, before, child, stop: Some(stop) }),
            None => {
                child.join()?;
                anyhow::bail!("{name} ended before it listened")
            }
        }
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells the server to stop. It goes on until its clients have what they are owed.
    #[must_use]
    pub fn tell_to_stop(mut self) -> Self {
        self.stop = None;
        self
    }

    /// Tells the server to stop and waits for its end, if all went well for its clients. If not, the error is that of the server
    /// if it has failed too: that of the clients only follows from it.
    ///
    /// # Errors
    /// Those of the clients or of the server.
    pub fn end<T>(self, clients: anyhow::Result<T>) -> anyhow::Result<T> {
        let child = self.tell_to_stop().child;
        match clients {
            Ok(result) => child.join().map(|()| result).map_err(Into::into),
            Err(error) => match child.join_timeout(PATIENCE) {
                Ok(Err(cause)) => Err(cause.into()),
                _ => Err(error),
            },
        }
    }
}

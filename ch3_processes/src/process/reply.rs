//! What arrives from a child: the parent's end of the socket.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::net::RecvFlags;

use crate::machinery::descriptors::Packed;
use crate::machinery::wire::{Incoming, Progress};

/// The outcome that a child sends, as far as it has arrived.
#[derive(Debug)]
pub struct Reply {
    socket: UnixStream,
    state: State,
}

#[derive(Debug)]
enum State {
    /// In a box, since a [`Child`](crate::Child) is moved and returned by value.
    Arriving(Box<Incoming>),
    /// Nothing more will be read.
    Over(io::Result<Option<Packed>>),
}

impl Reply {
    pub fn new(socket: UnixStream) -> Self {
        Self { socket, state: State::Arriving(Box::default()) }
    }

    pub fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Whether more may arrive.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Arriving(_))
    }

    /// Reads what has arrived, without waiting for more.
    pub fn take_in(&mut self) {
        if let State::Arriving(incoming) = &mut self.state {
            let over = match incoming.receive(&self.socket, RecvFlags::DONTWAIT) {
                Ok(Progress::Partial) => return,
                Ok(Progress::Complete(packed)) => Ok(Some(packed)),
                Ok(Progress::Closed) => incoming.cut_off().map(|()| None),
                Err(error) => Err(error),
            };
            self.state = State::Over(over);
        }
    }

    /// Reads the rest after the process has ended. Another process may hold the child's end of the socket, but does not send.
    pub fn finish(&mut self) {
        self.take_in();
        if let State::Arriving(incoming) = &self.state {
            self.state = State::Over(incoming.cut_off().map(|()| None));
        }
    }

    /// The outcome: `None` if the child sent nothing, an error if a part is missing or cannot be read. It is there once.
    pub fn take(&mut self) -> io::Result<Option<Packed>> {
        match std::mem::replace(&mut self.state, State::Over(Ok(None))) {
            State::Over(outcome) => outcome,
            State::Arriving(_) => Ok(None),
        }
    }
}

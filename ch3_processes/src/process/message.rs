//! What a parent and its child send each other.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machinery::descriptors::{Packed, pack};

/// The environment variable that makes a process a child. Its value is the inode of the socket that is the child's stdin.
/// A program that a child runs inherits the variable but not the socket, so it is no child.
pub const SOCKET: &str = "PROCESS_SOCKET";

/// What a child is to do. The arguments of the function follow.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// The name of the process.
    pub name: String,
    /// The name of the function.
    pub function: String,
}

/// How a function ended. Its value follows, if it has one.
#[derive(Serialize, Deserialize)]
pub enum Outcome {
    Value,
    Failed(String),
    Panicked(String),
    /// The reader of the child's output has gone.
    OutputClosed,
}

/// A packed value that begins with this head; more values can be packed behind it.
pub fn packed_with(head: &impl Serialize) -> io::Result<Packed> {
    let mut packed = Packed::default();
    pack(head, &mut packed)?;
    Ok(packed)
}

/// Takes off the head that [`packed_with`] wrote.
pub fn head_of<H: DeserializeOwned>(packed: &mut Packed) -> io::Result<H> {
    let (head, rest) = postcard::take_from_bytes(&packed.bytes).map_err(io::Error::other)?;
    packed.bytes = rest.to_vec();
    Ok(head)
}

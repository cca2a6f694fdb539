//! What a parent and its child say to each other.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machinery::descriptors::{Packed, pack};

/// What a child is told to do; its arguments follow.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// The name of the process.
    pub name: String,
    pub function: String,
    pub mode: Mode,
}

/// How often a function is called.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum Mode {
    Once,
    /// For each task that a pool has.
    ForTasks,
}

/// How a function ended; its value follows.
#[derive(Serialize, Deserialize)]
pub enum Outcome {
    Value,
    Failed(String),
    Panicked(String),
    /// Whoever read the output has gone.
    OutputClosed,
}

pub fn packed_with(head: &impl Serialize) -> io::Result<Packed> {
    let mut packed = Packed::default();
    pack(head, &mut packed)?;
    Ok(packed)
}

/// Splits what [`packed_with`] and a later `pack` wrote.
pub fn head_of<H: DeserializeOwned>(packed: &mut Packed) -> io::Result<H> {
    let (head, rest) = postcard::take_from_bytes(&packed.bytes).map_err(io::Error::other)?;
    packed.bytes = rest.to_vec();
    Ok(head)
}

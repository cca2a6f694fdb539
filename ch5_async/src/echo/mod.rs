//! What stands around the servers of the program `echo`: the clients, the processes, the measurements and the limits.
//!
//! The servers themselves are in `src/bin/echo.rs`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`connection`] | the parts of a server: how it accepts clients, and how it ends a connection without losing a byte |
//! | [`clients`] | many clients that send messages and check every byte of the answers |
//! | [`process`] | a server in a process of its own, so that its threads and its memory can be told from those of the clients |
//! | [`limits`] | what the flags and the system allow |

pub mod clients;
pub mod connection;
pub mod limits;
pub mod process;

use std::future::Future;
use std::pin::pin;

use course::lanes;

/// The number of clients of each process that have a lane. A picture of 1,000 lanes shows nothing.
pub const DRAWN: usize = 2;

/// Runs the task of client `number`, with a lane if it is one of the first [`DRAWN`].
pub async fn drawn<F: Future>(number: usize, task: F) -> F::Output {
    // Pinned once here, since each `await` below would otherwise hold a `task` of its own in the memory of each client.
    let task = pin!(task);
    if number <= DRAWN { lanes::task(format!("client {number}"), task).await } else { task.await }
}

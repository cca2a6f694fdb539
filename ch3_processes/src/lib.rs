//! Processes: functions of this program that run in processes of their own.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@process`] | start a function in a child process and take its result |
//! | [`mod@pipe`] | a typed pipe, whose ends can be passed to children |
//! | [`barrier`] | a barrier between processes |
//! | [`shared`] | memory that processes share: atomics, and arrays in parts that are borrowed at run time |
//! | [`kernels`] | the kernels solved by processes with shared memory |
//!
//! What is passed to a child is copied, except for what stands for something in the system: the end of a pipe, a
//! barrier or shared memory. Its descriptor travels along, so both processes hold the same thing.
//!
//! ```no_run
//! use ch3_processes::{children, spawn};
//!
//! fn cube(number: u64) -> anyhow::Result<u64> {
//!     Ok(number.pow(3))
//! }
//!
//! fn main() -> anyhow::Result<()> {
//!     children![cube];
//!     let child = spawn("cube", cube, (10,))?;
//!     assert_eq!(child.join()?, 1000);
//!     Ok(())
//! }
//! ```

pub mod barrier;
mod descriptors;
pub mod kernels;
pub mod pipe;
pub mod process;
pub mod shared;
mod wire;

pub use barrier::Barrier;
pub use pipe::{Receiver, Sender, pipe};
pub use process::{Child, Error, join_all, spawn};
pub use shared::{Counters, SharedArray};

//! Processes: functions of this program that run in processes of their own.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@process`] | start a function in a child process and take its result |
//! | [`mod@pipe`] | a typed pipe, whose ends can be passed to children |
//! | [`mod@channel`] | the same through shared memory, without the system |
//! | [`mod@queue`] | a typed queue between many processes |
//! | [`pool`] | a pool: many calls of a function by a few processes, any of which may die |
//! | [`barrier`], [`lock`], [`semaphore`] | as between threads |
//! | [`shared`] | memory that processes share: atomics, and arrays in parts that are borrowed at run time |
//! | [`kernels`] | the kernels solved by processes with shared memory |
//! | [`my_func`] | the function that the program `process_spawn_module` takes from another module |
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
pub mod channel;
pub mod kernels;
pub mod lock;
#[cfg(not(feature = "model"))]
mod machinery;
#[cfg(feature = "model")]
pub mod machinery;
pub mod my_func;
pub mod pipe;
pub mod pool;
pub mod process;
pub mod queue;
pub mod semaphore;
pub mod shared;

pub use barrier::Barrier;
pub use channel::channel;
pub use lock::Lock;
pub use pipe::{Receiver, Sender, pipe};
pub use pool::Pool;
pub use process::{Child, Error, Process, join_all, spawn};
pub use queue::queue;
pub use semaphore::Semaphore;
pub use shared::{Counters, SharedArray};

//! Chapter 3: functions of this program that run in child processes.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@process`] | starts a function in a child process and gets its result |
//! | [`mod@pipe`] | a typed pipe, whose ends can be passed to children |
//! | [`mod@channel`] | the same as a pipe, through shared memory, without system calls |
//! | [`mod@queue`] | a typed queue between many processes |
//! | [`pool`] | a few processes that call a function for many tasks; any of them may die |
//! | [`barrier`], [`lock`], [`semaphore`] | a barrier, a lock and a semaphore between processes |
//! | [`shared`] | memory that processes share: atomic numbers, and arrays in parts that are borrowed at run time |
//! | [`kernels`] | the kernels, solved by processes with shared memory |
//! | [`what_rust_forbids`] | mistakes that the compiler refuses |
//! | [`my_func`] | the function that the program `process_spawn_module` takes from another module |
//!
//! A value that is passed to a child is copied. The end of a pipe, a barrier and shared memory are not copied: the
//! child gets a descriptor of them, so that both processes use the same pipe, barrier or memory.
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
#[doc(hidden)]
pub mod children;
pub mod kernels;
pub mod lock;
mod machinery;
pub mod my_func;
pub mod pipe;
pub mod pool;
pub mod process;
pub mod queue;
pub mod semaphore;
pub mod shared;
pub mod what_rust_forbids;

pub use barrier::Barrier;
pub use channel::channel;
pub use lock::Lock;
pub use pipe::{Receiver, Sender, pipe};
pub use pool::Pool;
pub use process::{Child, Error, Process, join_all, spawn};
pub use queue::queue;
pub use semaphore::Semaphore;
pub use shared::{Counters, SharedArray};

/// For the tests that explore schedules.
#[cfg(feature = "model")]
#[doc(hidden)]
pub use machinery::bell;

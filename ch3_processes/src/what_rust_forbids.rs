//! Mistakes of this chapter that the compiler refuses, each with what Python or C does instead.
//!
//! # An end of a pipe that stays in the parent
//!
//! The end that is passed to a child moves there: the parent cannot use it any more, and has no copy that would keep the stream open.
//!
//! ```compile_fail,E0382
//! use ch3_processes::{Sender, pipe, spawn};
//! fn child(_numbers: Sender<u64>) -> anyhow::Result<()> {
//!     Ok(())
//! }
//! fn start() -> anyhow::Result<()> {
//!     let (mut sender, _receiver) = pipe::<u64>()?;
//!     let child = spawn("child", child, (sender,))?;
//!     sender.send(&1)?;
//!     child.join()?;
//!     Ok(())
//! }
//! ```
//!
//! In Python both processes have the end, and the reader waits until both have closed it.
//!
//! # A value that only means something in one process
//!
//! What is passed to a child is written as bytes. A thread, an open file or a pointer has no bytes that another process could use.
//!
//! ```compile_fail,E0277
//! use ch3_processes::spawn;
//! fn child(_file: std::fs::File) -> anyhow::Result<()> {
//!     Ok(())
//! }
//! fn start(file: std::fs::File) -> anyhow::Result<()> {
//!     spawn("child", child, (file,))?.join()?;
//!     Ok(())
//! }
//! ```
//!
//! Python finds this while the program runs: `TypeError: cannot pickle`. With `fork` it finds nothing, and both processes
//! move the same position in the file.
//!
//! # Arguments of another type
//!
//! ```compile_fail,E0308
//! use ch3_processes::spawn;
//! fn child(_number: u32) -> anyhow::Result<()> {
//!     Ok(())
//! }
//! fn start() -> anyhow::Result<()> {
//!     spawn("child", child, ("one", "two"))?.join()?;
//!     Ok(())
//! }
//! ```
//!
//! The function says which arguments it takes. In Python the child ends with a traceback, and the parent is not told.
//!
//! # A lock that is not locked
//!
//! ```compile_fail,E0614
//! fn add(counter: &ch3_processes::Lock<u64>) {
//!     **counter += 1;
//! }
//! ```
//!
//! Only `lock` gives the value. In Python `v.value += 1` locks twice, to read and to write: an addition can be lost.

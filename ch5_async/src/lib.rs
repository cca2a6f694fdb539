//! What the programs of the asynchronous chapter share: what stands around the servers of [`echo`], and mistakes that the compiler
//! refuses.
//!
//! # What Rust forbids
//!
//! A task may live longer than the function that spawns it, so it cannot borrow from that function. A Python closure keeps such a
//! variable alive, and a later change of the variable also changes it for the task.
//!
//! ```compile_fail,E0373
//! async fn greet() {
//!     let name = String::from("Huey");
//!     tokio::spawn(async { println!("{name}") }).await.unwrap();
//! }
//! ```
//!
//! With `async move` the task owns the name:
//!
//! ```
//! # let event_loop = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # event_loop.block_on(async {
//! let name = String::from("Huey");
//! tokio::spawn(async move { println!("{name}") }).await.unwrap();
//! # });
//! ```

pub mod echo;
pub mod kernels;
pub mod schedules;

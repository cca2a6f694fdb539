//! Mistakes of this chapter that the compiler refuses, each with what Python does instead.
//!
//! # A task that outlives the data it borrows
//!
//! A task may live longer than the function that spawns it, so it cannot borrow from that function.
//!
//! ```compile_fail,E0373
//! async fn greet() {
//!     let name = String::from("Huey");
//!     tokio::spawn(async { println!("{name}") }).await.unwrap();
//! }
//! ```
//!
//! A Python closure keeps such a variable alive, and a later change of the variable also changes it for the task. With `async
//! move` the task owns the name:
//!
//! ```
//! # let event_loop = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # event_loop.block_on(async {
//! let name = String::from("Huey");
//! tokio::spawn(async move { println!("{name}") }).await.unwrap();
//! # });
//! ```
//!
//! # Two futures that change the same data
//!
//! ```compile_fail,E0499
//! async fn add(sum: &mut u32) {
//!     let old = *sum;
//!     tokio::task::yield_now().await;
//!     *sum = old + 1;
//! }
//!
//! async fn add_twice() -> u32 {
//!     let mut sum = 0;
//!     tokio::join!(add(&mut sum), add(&mut sum));
//!     sum
//! }
//! ```
//!
//! Python runs this, and one of the two additions is lost: at the `await` the other coroutine reads the old sum.
//!
//! # A future that moves after its first poll
//!
//! A future may have pointers into itself. Before its first poll it is pinned, and a pinned future cannot move.
//!
//! ```compile_fail,E0277
//! use std::{future::Future, pin::Pin, task::Context};
//! fn poll_once(mut future: impl Future<Output = ()>, context: &mut Context<'_>) {
//!     let _ = Pin::new(&mut future).poll(context);
//! }
//! ```
//!
//! `std::pin::pin!` pins it for the rest of the function. In Python no object ever moves.

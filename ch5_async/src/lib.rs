//! What the programs of the asynchronous chapter share: so far, the mistakes that never reach run time.
//!
//! # What Rust forbids
//!
//! A task may outlive the function that spawns it, so it cannot borrow from there. Python's closures keep such a variable
//! alive, and whoever changes it later changes it under the task.
//!
//! ```compile_fail,E0373
//! async fn greet() {
//!     let name = String::from("Huey");
//!     tokio::spawn(async { println!("{name}") }).await.unwrap();
//! }
//! ```
//!
//! With `async move` the task takes the name along:
//!
//! ```
//! # let event_loop = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # event_loop.block_on(async {
//! let name = String::from("Huey");
//! tokio::spawn(async move { println!("{name}") }).await.unwrap();
//! # });
//! ```

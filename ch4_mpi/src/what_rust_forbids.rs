//! Mistakes of this chapter that the compiler refuses, each with what C does instead.
//!
//! # A buffer that is changed while it is sent
//!
//! An immediate send returns at once, and MPI reads the buffer later. The request borrows the buffer until the end of the scope.
//!
//! ```compile_fail,E0506
//! use mpi::traits::*;
//! fn send(process: &mpi::topology::Process<'_>) {
//!     let mut number = 1;
//!     mpi::request::scope(|scope| {
//!         let request = process.immediate_send(scope, &number);
//!         number = 2;
//!         request.wait();
//!     });
//! }
//! ```
//!
//! C compiles this, and the receiver gets either number. The same function is right if the number is changed after the scope:
//!
//! ```no_run
//! use mpi::traits::*;
//! fn send(process: &mpi::topology::Process<'_>) -> i32 {
//!     let mut number = 1;
//!     mpi::request::scope(|scope| {
//!         process.immediate_send(scope, &number).wait();
//!     });
//!     number += 1;
//!     number
//! }
//! ```
//!
//! # A buffer that is read before its message has come
//!
//! ```compile_fail,E0502
//! use mpi::traits::*;
//! fn receive(process: &mpi::topology::Process<'_>) {
//!     let mut number = 0;
//!     mpi::request::scope(|scope| {
//!         let request = process.immediate_receive_into(scope, &mut number);
//!         println!("{number}");
//!         request.wait();
//!     });
//! }
//! ```
//!
//! C prints the old number or the new one.
//!
//! # A buffer that is freed before its request has ended
//!
//! MPI may write into the buffer until the request has ended. So a buffer must live longer than the scope of its request:
//!
//! ```compile_fail,E0597
//! use mpi::traits::*;
//! fn receive(process: &mpi::topology::Process<'_>) {
//!     mpi::request::scope(|scope| {
//!         let mut number = 0;
//!         let _request = process.immediate_receive_into(scope, &mut number);
//!     });
//! }
//! ```
//!
//! If the buffer lives long enough and the wait is missing, the program compiles, and the end of the request panics. In C
//! nothing reports a missing wait.
//!
//! # Data that has no MPI type
//!
//! ```compile_fail,E0277
//! use mpi::traits::*;
//! fn send(process: &mpi::topology::Process<'_>) {
//!     process.send(&String::from("a pointer and two lengths"));
//! }
//! ```
//!
//! C sends the bytes of any struct, also the address of a text that only the sender has.

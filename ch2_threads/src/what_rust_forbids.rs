//! Mistakes of this chapter that the compiler refuses. Each is followed by what Python does with it.
//!
//! # Data that is not made for threads, shared
//!
//! A `Cell` may be changed by all who see it, without synchronization: so only one thread may see it.
//!
//! ```compile_fail,E0277
//! use std::{cell::Cell, thread};
//! let count = Cell::new(0);
//! thread::scope(|scope| {
//!     scope.spawn(|| count.set(count.get() + 1));
//! });
//! ```
//!
//! Python lets any thread change anything; an update that reads, adds and writes can be lost between two bytecodes.
//!
//! # A borrow that outlives its scope
//!
//! A thread that is not scoped may live longer than `name`.
//!
//! ```compile_fail,E0597
//! let thread = {
//!     let name = String::from("Huey");
//!     let borrowed = &name;
//!     std::thread::spawn(move || println!("{borrowed}"))
//! };
//! thread.join().unwrap();
//! ```
//!
//! Python keeps `name` alive as long as the thread refers to it, and the thread sees whatever it is set to meanwhile.
//!
//! # Two threads that change the same value
//!
//! ```compile_fail,E0499
//! let mut total = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| total += 1);
//!     scope.spawn(|| total -= 1);
//! });
//! ```
//!
//! Python runs both; `+=` is several steps, so the total may be 1, 0 or -1.
//!
//! # Reading data without its lock
//!
//! The lock owns what it guards: there is no way to the number but through `lock`.
//!
//! ```compile_fail,E0614
//! let total = parking_lot::Mutex::new(0);
//! println!("{}", *total);
//! ```
//!
//! A Python lock guards whatever the programmers agree on, and nobody notices a line that forgets it.
//!
//! ```
//! let total = parking_lot::Mutex::new(0);
//! println!("{}", *total.lock());
//! ```
//!
//! # Using what a lock guards after its release
//!
//! ```compile_fail,E0382
//! let total = parking_lot::Mutex::new(0);
//! let mut held = total.lock();
//! drop(held);
//! *held += 1;
//! ```
//!
//! In Python the name is as usable after the `with` block as in it.
//!
//! # Changing what a reentrant lock guards
//!
//! A thread may hold such a lock twice, so it cannot give access that excludes the other holder: `rlock` uses a `Cell`.
//!
//! ```compile_fail,E0594
//! let items = parking_lot::ReentrantMutex::new(0);
//! *items.lock() += 1;
//! ```
//!
//! Python's `RLock` says nothing about a method that changes what its caller is in the middle of using.
//!
//! # Releasing a lock from another thread
//!
//! ```compile_fail,E0277
//! let lock = std::sync::Mutex::new(0);
//! let held = lock.lock().unwrap();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || drop(held));
//! });
//! ```
//!
//! Python's `Lock` may be released by any thread, even by one that never had it.
//!
//! # Using a channel's value after it was sent
//!
//! ```compile_fail,E0382
//! let (sender, receiver) = crossbeam::channel::unbounded();
//! let mut message = vec![1, 2, 3];
//! sender.send(message).unwrap();
//! message.push(4);
//! # drop(receiver);
//! ```
//!
//! Python sends a reference: the receiver may find the 4 in its list, or not, or while it reads it.
//!
//! What both need is copied on purpose:
//!
//! ```
//! let (sender, receiver) = crossbeam::channel::unbounded();
//! let mut message = vec![1, 2, 3];
//! sender.send(message.clone()).unwrap();
//! message.push(4);
//! assert_eq!(receiver.recv().unwrap(), [1, 2, 3]);
//! ```

//! Mistakes of this chapter that the compiler refuses. Each is followed by what Python does with it.
//!
//! # Sharing data that is not made for threads
//!
//! Every reference to a `Cell` can change it, without synchronization. So only one thread may use it.
//!
//! ```compile_fail,E0277
//! use std::{cell::Cell, thread};
//! let count = Cell::new(0);
//! thread::scope(|scope| {
//!     scope.spawn(|| count.set(count.get() + 1));
//! });
//! ```
//!
//! Python lets any thread change anything. An update that reads, adds and writes can be lost between two bytecodes.
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
//! Python keeps `name` alive as long as the thread refers to it, and the thread sees every later change of it.
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
//! Python runs both threads. `+=` is several steps, so the total may be 1, 0 or -1.
//!
//! # Reading data without its lock
//!
//! The lock owns the data that it guards: only `lock` gives access to the number.
//!
//! ```compile_fail,E0614
//! let total = parking_lot::Mutex::new(0);
//! println!("{}", *total);
//! ```
//!
//! A Python lock guards whatever the programmers agree on. Nothing finds a line that forgets to acquire it.
//!
//! ```
//! let total = parking_lot::Mutex::new(0);
//! println!("{}", *total.lock());
//! ```
//!
//! # Using data after its lock was released
//!
//! ```compile_fail,E0382
//! let total = parking_lot::Mutex::new(0);
//! let mut held = total.lock();
//! drop(held);
//! *held += 1;
//! ```
//!
//! In Python the data can be used after the `with` block as well as in it.
//!
//! # Changing the data of a reentrant lock
//!
//! A thread may hold this lock twice, so the lock cannot give mutable access to the data. `rlock` uses a `Cell`.
//!
//! ```compile_fail,E0594
//! let items = parking_lot::ReentrantMutex::new(0);
//! *items.lock() += 1;
//! ```
//!
//! With Python's `RLock` a method may change data that its caller is still working with. Nothing reports it.
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
//! Any thread may release a Python `Lock`, even a thread that never acquired it.
//!
//! # Using a message after it was sent
//!
//! ```compile_fail,E0382
//! let (sender, receiver) = crossbeam::channel::unbounded();
//! let mut message = vec![1, 2, 3];
//! sender.send(message).unwrap();
//! message.push(4);
//! # drop(receiver);
//! ```
//!
//! Python sends a reference. The 4 may appear in the receiver's list before, while or after the receiver reads it.
//!
//! If both threads need the message, the sender copies it:
//!
//! ```
//! let (sender, receiver) = crossbeam::channel::unbounded();
//! let mut message = vec![1, 2, 3];
//! sender.send(message.clone()).unwrap();
//! message.push(4);
//! assert_eq!(receiver.recv().unwrap(), [1, 2, 3]);
//! ```

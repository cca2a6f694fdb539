//! Mistakes of this chapter that the compiler refuses, each with what Python does instead.
//!
//! # Sharing a counter that is not made for threads
//!
//! `Rc` counts its owners without synchronization, so an `Rc` must stay in its thread. An `Arc` may move to another thread.
//!
//! ```compile_fail,E0277
//! use std::{rc::Rc, thread};
//! let numbers = Rc::new(vec![1, 2, 3]);
//! let shared = Rc::clone(&numbers);
//! thread::spawn(move || println!("{shared:?}"));
//! ```
//!
//! Python counts the owners of every object. Its interpreter lock makes these counts safe: only one thread runs at a time.
//!
//! # A thread that outlives the data it borrows
//!
//! Nothing makes this thread end before the function returns. It could then read `numbers` after they are gone.
//!
//! ```compile_fail,E0373
//! fn sum_later() -> std::thread::JoinHandle<i32> {
//!     let numbers = vec![1, 2, 3];
//!     std::thread::spawn(|| numbers.iter().sum())
//! }
//! ```
//!
//! Python keeps the list alive as long as the thread refers to it. Any other owner can change the list while the thread
//! reads it.
//!
//! A scope joins its threads before it returns, so they may borrow:
//!
//! ```
//! let numbers = vec![1, 2, 3];
//! let sum: i32 = std::thread::scope(|scope| scope.spawn(|| numbers.iter().sum()).join().unwrap());
//! assert_eq!(sum, 6);
//! ```
//!
//! # Two tasks that change the same data
//!
//! ```compile_fail,E0499
//! let mut sums = vec![0; 2];
//! rayon::join(|| sums[0] = 5 + 3, || sums[1] = 10 - 4);
//! ```
//!
//! Python runs this, and here nothing is lost. With `sums[0] += ...` in both tasks an update can be lost.
//!
//! Two tasks may change two parts that do not overlap:
//!
//! ```
//! let mut sums = vec![0; 2];
//! let (left, right) = sums.split_at_mut(1);
//! rayon::join(|| left[0] = 5 + 3, || right[0] = 10 - 4);
//! assert_eq!(sums, [8, 6]);
//! ```
//!
//! # One task reads what another task changes
//!
//! ```compile_fail,E0502
//! let mut numbers = vec![1, 2, 3];
//! rayon::join(|| numbers.push(4), || println!("{numbers:?}"));
//! ```
//!
//! Python prints the list before the change or after it. If the change takes several steps, Python can print the list between
//! two of them.
//!
//! # Adding up in a shared variable
//!
//! A parallel loop may run its body on several threads at once, so the body must not change a variable outside of it.
//!
//! ```compile_fail,E0594
//! use rayon::prelude::*;
//! let mut sum = 0;
//! (0..100).into_par_iter().for_each(|number| sum += number);
//! ```
//!
//! Python's `sum += number` reads, adds and writes. If another thread writes between the read and the write, its addition is
//! lost.
//!
//! A parallel sum adds up the part of each thread, then the parts:
//!
//! ```
//! use rayon::prelude::*;
//! assert_eq!((0..100).into_par_iter().sum::<i32>(), 4950);
//! ```

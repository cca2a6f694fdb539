//! Mistakes of this chapter that the compiler refuses. Each is followed by what Python does with it.
//!
//! # A counter that is not made for threads, shared
//!
//! `Rc` counts its owners without synchronization, so it may not leave its thread; `Arc` may.
//!
//! ```compile_fail,E0277
//! use std::{rc::Rc, thread};
//! let numbers = Rc::new(vec![1, 2, 3]);
//! let theirs = Rc::clone(&numbers);
//! thread::spawn(move || println!("{theirs:?}"));
//! ```
//!
//! Python counts the owners of everything, and its interpreter lock makes the counts safe by letting one thread run at a time.
//!
//! # A thread that outlives what it borrows
//!
//! Nobody says when this thread ends, so it might read `numbers` after the function has returned.
//!
//! ```compile_fail,E0373
//! fn sum_later() -> std::thread::JoinHandle<i32> {
//!     let numbers = vec![1, 2, 3];
//!     std::thread::spawn(|| numbers.iter().sum())
//! }
//! ```
//!
//! Python keeps the list alive for as long as anybody refers to it, and whoever changes it later changes it under the thread.
//!
//! A scope ends its threads before it ends itself, so they may borrow:
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
//! Python runs it, and here nothing is lost; with `sums[0] += ...` in both, an update may be.
//!
//! Parts that cannot overlap may be changed at the same time:
//!
//! ```
//! let mut sums = vec![0; 2];
//! let (one, other) = sums.split_at_mut(1);
//! rayon::join(|| one[0] = 5 + 3, || other[0] = 10 - 4);
//! assert_eq!(sums, [8, 6]);
//! ```
//!
//! # One task reads what another changes
//!
//! ```compile_fail,E0502
//! let mut numbers = vec![1, 2, 3];
//! rayon::join(|| numbers.push(4), || println!("{numbers:?}"));
//! ```
//!
//! Python prints the list before or after the change, or half-way through one that is more than one step.
//!
//! # Adding up in a shared variable
//!
//! A parallel loop may run its body on several threads at once, so the body may not change what is outside.
//!
//! ```compile_fail,E0594
//! use rayon::prelude::*;
//! let mut sum = 0;
//! (0..100).into_par_iter().for_each(|number| sum += number);
//! ```
//!
//! Python's `sum += number` reads, adds and writes: a thread that comes in between loses its addition.
//!
//! ```
//! use rayon::prelude::*;
//! assert_eq!((0..100).into_par_iter().sum::<i32>(), 4950);
//! ```

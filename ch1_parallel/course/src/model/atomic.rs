//! Atomics. Every order is sequential consistency here: for weaker ones see [`orders`](super::orders).

use std::panic::Location;
use std::sync::atomic::{self, Ordering};

use super::run::{Next, step};

/// std's `AtomicU64`, with the functions that the course uses.
#[derive(Debug, Default)]
pub struct AtomicU64(atomic::AtomicU64);

impl AtomicU64 {
    /// An atomic number.
    pub const fn new(value: u64) -> Self {
        Self(atomic::AtomicU64::new(value))
    }

    /// Loads the number.
    #[track_caller]
    pub fn load(&self, order: Ordering) -> u64 {
        self.does(Location::caller(), |number| {
            let value = number.load(order);
            (value, format!("loads {value}"))
        })
    }

    /// Stores a number.
    #[track_caller]
    pub fn store(&self, value: u64, order: Ordering) {
        self.does(Location::caller(), |number| (number.store(value, order), format!("stores {value}")));
    }

    /// Adds to the number, and returns what it was.
    #[track_caller]
    pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.does(Location::caller(), |number| {
            let before = number.fetch_add(value, order);
            (before, format!("adds {value} to {before}"))
        })
    }

    /// The number.
    pub fn into_inner(self) -> u64 {
        self.0.into_inner()
    }

    fn does<T>(&self, place: &'static Location<'static>, act: impl FnOnce(&atomic::AtomicU64) -> (T, String)) -> T {
        step(Next::Free, "a number", Some(place), |_, _, _| act(&self.0))
    }
}

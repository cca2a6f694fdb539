//! Locks, channels and atomics under a model checker, and the search for a schedule that fails.
//!
//! A *schedule* is the order in which the threads take their steps. [`search`] runs a story again and again, each time under
//! another schedule. A step is one operation on a lock, a channel, a barrier or an atomic. Before each step the checker decides
//! which thread takes the next one. It never chooses a thread whose next step would block, so if no thread is left that it could
//! choose, the threads are in a deadlock.
//!
//! [`Mutex`], [`Condvar`] and [`RwLock`] have the interface of parking_lot, [`channel`] has crossbeam's, and [`AtomicU64`] std's,
//! as far as the course uses them. A program is searched by giving these names to it in place of the crates' own. The names and
//! the lines of the program's waits come from its calls of [`lanes`](crate::lanes).
//!
//! A task is a thread of the checker, which polls the future of the task: a poll is a step, and the steps within the poll follow. It is
//! polled again only after it was woken. The tasks of an [`EventLoop`] share its thread: while a task blocks, no other task is polled.
//!
//! Every atomic operation is sequentially consistent here. [`orders`] has another checker, for memory orders that are too weak.
//!
//! The threads are those of [shuttle]: coroutines that share one thread of the system.

mod atomic;
pub mod channel;
pub mod orders;
mod run;
mod search;
mod sync;
mod tasks;

pub use atomic::AtomicU64;
pub use run::{State, Step, is_running, named};
pub use search::{Found, Order, Outcome, keep_panics_quiet, search, spawn, threads};
pub use sync::{Barrier, Condvar, Mutex, MutexGuard, ReadGuard, RwLock, WriteGuard};
pub use tasks::{EventLoop, block_on, waits_for};

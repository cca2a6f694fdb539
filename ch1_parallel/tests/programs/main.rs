//! The chapter's programs, run as programs.

#[path = "../contract/mod.rs"]
mod contract;

#[path = "../proc/mod.rs"]
mod proc;

mod data_parallelism;
mod do_something;
mod fibonacci_threads;
mod message_passing;
mod process_creation;
mod processes_vs_threads;
mod semaphore;
mod serial_and_parallel;
mod task_parallelism;

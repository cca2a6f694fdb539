//! What the programs of the asynchronous chapter share.
//!
//! | module | contents |
//! |---|---|
//! | [`comparison`] | the table of the program `heavy_computation` |
//! | [`echo`] | what stands around the servers of the program `echo` |
//! | [`heartbeat`] | a task that shows whether its event loop polls tasks in time |
//! | [`kernels`] | the kernels, solved by tasks |
//! | [`numbers`] | the numbers of the program `tasks`, computed in another way |
//! | [`pools`] | the pools of the program `thread_pool` |
//! | [`schedules`] | the files and charts of schedules that fail |
//! | [`what_rust_forbids`] | mistakes that the compiler refuses |

pub mod comparison;
pub mod echo;
pub mod heartbeat;
pub mod kernels;
pub mod numbers;
pub mod pools;
pub mod schedules;
pub mod what_rust_forbids;

//! What the programs of the asynchronous chapter share.
//!
//! | module | contents |
//! |---|---|
//! | [`echo`] | what stands around the servers of the program `echo` |
//! | [`kernels`] | the kernels, solved by tasks |
//! | [`schedules`] | the files and charts of schedules that fail |
//! | [`what_rust_forbids`] | mistakes that the compiler refuses |

pub mod echo;
pub mod kernels;
pub mod schedules;
pub mod what_rust_forbids;

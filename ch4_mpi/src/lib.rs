//! Message passing with MPI: the library of the programs of this chapter.

// Without MPI the crate is empty, and its programs only say how to set MPI up (build.rs).
#![cfg(mpi)]

//! | module | contents |
//! |---|---|
//! | [`lesson`] | how a job of many ranks begins and ends: the flags of every program, one chart of all ranks, one error line |
//! | [`launch`] | how a program starts itself under `mpirun`, and how every process of the job ends when the first one ends |
//! | [`instrument`] | takes the place of MPI's functions: draws calls and messages, and reports a job that hangs |
//! | [`job`] | all ranks of a job: are there enough, their neighbours in a ring or a grid, lines in the order of the ranks |
//! | [`parts`] | the parts of a row of items, one for each rank: lengths and starts |
//! | [`block`] | a rank's part of a grid, with a frame for the edges of its neighbours |
//! | [`loggp`] | measures the parameters of the LogGP model: what a message costs the sender, the network and the receiver |
//! | [`kernels`] | the kernels that every strategy solves, solved by ranks that exchange messages |
//! | [`what_rust_forbids`] | mistakes that the compiler refuses |

mod banner;
pub mod block;
mod clocks;
mod hosts;
pub mod instrument;
pub mod job;
pub mod kernels;
pub mod launch;
pub mod lesson;
pub mod loggp;
pub mod parts;
pub mod what_rust_forbids;

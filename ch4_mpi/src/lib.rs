//! Message passing with MPI: what the programs of this chapter share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`lesson`] | how a job of many ranks begins and ends: chapter 1's flags, one chart of all ranks, one error for all |
//! | [`launch`] | how a program starts itself under `mpirun`, and how all of it ends when its starter ends |
//! | [`kernels`] | the problems that every strategy solves, solved by ranks that exchange messages |
//!
//! Where MPI is not set up, the crate is empty and its programs say so (`build.rs`).
#![cfg(mpi)]

mod banner;
pub mod kernels;
pub mod launch;
pub mod lesson;

//! The instrument as a library that is loaded before an MPI program: `scripts/mpirun --deadline S -n N PROGRAM`.

// Without MPI this library is empty.
#![cfg(mpi)]

pub use ch4_mpi::instrument;

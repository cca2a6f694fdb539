//! What the programs of this chapter need to know about the ranks of their job, and what these do together.

use std::fmt;

use mpi::datatype::PartitionMut;
use mpi::topology::{Process, SimpleCommunicator};
use mpi::traits::*;
use mpi::{Count, Rank};

use crate::parts;

/// All ranks find out by themselves that the lesson cannot run, and for the same reason: rank 0 says it for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(String);

impl Refused {
    /// An error with this reason ("what: why"). All ranks must return it.
    pub fn because(why: impl Into<String>) -> anyhow::Error {
        Self(why.into()).into()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Makes sure that the world has enough ranks for a lesson. All ranks return the same result, and rank 0 prints the error.
///
/// # Errors
/// There are fewer than `least` ranks.
pub fn at_least(world: &impl Communicator, least: Rank) -> anyhow::Result<()> {
    match world.size() {
        ranks if ranks >= least => Ok(()),
        ranks => Err(Refused::because(format!("the number of ranks: this lesson needs at least {least}, not {ranks}"))),
    }
}

/// The left and the right neighbour of this rank, if the ranks form a ring: the last rank is the left neighbour of rank 0.
#[must_use]
pub fn ring(world: &SimpleCommunicator) -> (Process<'_>, Process<'_>) {
    let (rank, ranks) = (world.rank(), world.size());
    (world.process_at_rank((rank + ranks - 1) % ranks), world.process_at_rank((rank + 1) % ranks))
}

/// Rows and columns of a grid in which each of `ranks` ranks has a place: of all such grids, the one that is nearest to a square.
/// MPI_Dims_create computes this too, but the crate `mpi` has no safe call for it.
#[must_use]
pub fn grid(ranks: Rank) -> [Count; 2] {
    let rows = (1..=ranks).take_while(|rows| rows * rows <= ranks).filter(|rows| ranks % rows == 0).max().unwrap_or(1);
    [rows, ranks / rows]
}

/// Prints the text of each rank in the order of the ranks. Every rank must call it: rank 0 gathers the texts and prints them, since
/// a launcher does not keep the order of lines from different ranks.
pub fn print_in_order(world: &impl Communicator, text: &str) {
    let root = world.process_at_rank(0);
    let length = text.len() as Count;
    if world.rank() > 0 {
        root.gather_into(&length);
        root.gather_varcount_into(text.as_bytes());
        return;
    }
    let mut lengths = vec![0; world.size() as usize];
    root.gather_into_root(&length, &mut lengths[..]);
    let starts = parts::starts(&lengths);
    let mut all = vec![0_u8; lengths.iter().sum::<Count>() as usize];
    {
        let mut parts = PartitionMut::new(&mut all[..], &lengths[..], &starts[..]);
        root.gather_varcount_into_root(text.as_bytes(), &mut parts);
    }
    for (&start, &length) in starts.iter().zip(&lengths) {
        let text = &all[start as usize..(start + length) as usize];
        println!("{}", String::from_utf8_lossy(text));
    }
}

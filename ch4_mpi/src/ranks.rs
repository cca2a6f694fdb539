//! What the programs of this chapter need to know about their ranks.

use std::fmt;

use mpi::Count;
use mpi::datatype::PartitionMut;
use mpi::traits::*;

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
pub fn at_least(world: &impl Communicator, least: i32) -> anyhow::Result<()> {
    match world.size() {
        ranks if ranks >= least => Ok(()),
        ranks => Err(Refused::because(format!("the number of ranks: this lesson needs at least {least}, not {ranks}"))),
    }
}

/// Prints the text of each rank in the order of the ranks. Every rank must call it: rank 0 gathers the texts and prints them, since
/// a launcher does not keep the order of lines from different ranks.
pub fn print_in_order(world: &impl Communicator, text: &str) {
    let root = world.process_at_rank(0);
    let length = text.len() as mpi::Count;
    if world.rank() > 0 {
        root.gather_into(&length);
        root.gather_varcount_into(text.as_bytes());
        return;
    }
    let mut lengths = vec![0; world.size() as usize];
    root.gather_into_root(&length, &mut lengths[..]);
    let starts: Vec<Count> = lengths
        .iter()
        .scan(0, |end, &length| {
            let start = *end;
            *end += length;
            Some(start)
        })
        .collect();
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

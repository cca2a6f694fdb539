//! Starts so many children in turn, joins each, and prints how many nanoseconds that took.
//!
//! A program of its own: what criterion links would be loaded with each child.

use std::time::Instant;

use ch3_processes::{Child, children, spawn};

fn nothing() -> anyhow::Result<()> {
    Ok(())
}

fn main() -> anyhow::Result<()> {
    children![nothing];
    let count: u64 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let start = Instant::now();
    for _ in 0..count {
        spawn("nothing", nothing, ()).and_then(Child::join)?;
    }
    println!("{}", start.elapsed().as_nanos());
    Ok(())
}

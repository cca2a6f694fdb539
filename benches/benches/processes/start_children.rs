//! Starts children one after the other, joins each, and prints the nanoseconds that this took. The argument is their number.
//!
//! It is a program without criterion: each child loads what its program links.

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

//! Rank 1 does not do what the others wait for.
//!
//! What the tests need and no lesson should show: a job that one rank ruins, in the way that the first argument says.

// Without MPI the program is left out: `build.rs` puts a line in its place that says so.
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use ch4_mpi::lesson;
use clap::ValueEnum;
use mpi::traits::*;

#[derive(clap::Parser)]
struct Args {
    /// What rank 1 does
    deed: Deed,
}

#[derive(Clone, Copy, ValueEnum)]
enum Deed {
    /// It panics
    Panic,
    /// Another thread of it panics
    ThreadPanic,
    /// It returns an error
    Error,
    /// It is killed
    Die,
    /// It is killed when all have done their work
    DieLate,
    /// It keeps the others waiting
    Hang,
    /// It prints far more than a pipe holds, and then keeps the others waiting
    Chatter,
    /// It alone prints, more than one pipe holds and less than two, and ends well
    Talk,
}

static DIE_LATE: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let code = lesson::run_with(include_str!("failing_rank.rs"), |args: Args, _lesson, world| {
        if !matches!(args.deed, Deed::Talk) {
            println!("rank {} is process {}", world.rank(), std::process::id());
        }
        if world.rank() == 1 {
            match args.deed {
                Deed::Panic => panic!("rank 1 was told\nto panic"),
                Deed::ThreadPanic => {
                    drop(thread::Builder::new().name("helper".into()).spawn(|| panic!("told to panic"))?)
                }
                Deed::Error => bail!("rank 1 was told to fail"),
                Deed::Die => rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?,
                Deed::DieLate => {
                    DIE_LATE.store(true, Relaxed);
                    world.barrier();
                    return Ok(());
                }
                Deed::Hang => {}
                Deed::Talk => {
                    (0..3000).for_each(|line| println!("line {line:04} of not so very many"));
                    world.barrier();
                    return Ok(());
                }
                Deed::Chatter => (0..100_000).for_each(|line| println!("line {line} of very many")),
            }
            // Longer than any test allows, but no process stays for ever.
            thread::sleep(Duration::from_secs(60));
        }
        world.barrier();
        Ok(())
    });
    if DIE_LATE.load(Relaxed) {
        // As near as it can be to a crash in MPI_Finalize, which is over now.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
    code
}

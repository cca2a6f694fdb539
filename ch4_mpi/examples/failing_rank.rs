//! Rank 1 fails while the other ranks wait for it.
//!
//! For the tests only: the first argument says how rank 1 fails.

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use ch4_mpi::lesson;
use clap::ValueEnum;
use course::lanes;
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
    /// Another thread of rank 1 panics
    ThreadPanic,
    /// It returns an error
    Error,
    /// It is killed
    Die,
    /// It is killed after all ranks have done their work
    DieLate,
    /// It does not come to the barrier
    Hang,
    /// It prints far more than a pipe holds, and then does not come to the barrier
    Chatter,
    /// It prints more than one pipe holds and less than two pipes hold, and does not fail; the other ranks print nothing
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
                Deed::DieLate => DIE_LATE.store(true, Relaxed),
                Deed::Hang => {}
                Deed::Talk => (0..3000).for_each(|line| println!("line {line:04} of not so very many")),
                Deed::Chatter => (0..100_000).for_each(|line| println!("line {line} of very many")),
            }
            if !matches!(args.deed, Deed::DieLate | Deed::Talk) {
                // Longer than the limit of every test, but not for ever.
                lanes::sleep("does not come", Duration::from_secs(60));
            }
        }
        world.barrier();
        Ok(())
    });
    if DIE_LATE.load(Relaxed) {
        // Stands for a crash in MPI_Finalize, which has just returned.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
    code
}

//! A process is killed while it holds a semaphore that it uses as a lock. The next process waits for ever.
//!
//! A semaphore with one permit excludes like a lock, but it is only a number: it does not know which process has the permit. If
//! that process is killed, nothing releases the permit. (Python's `multiprocessing.Lock` is such a semaphore.) The
//! repair is a robust lock, whose holder the system knows: it gives the lock to the next process, and tells it that the
//! last holder died. The next process has to look at the data, which the dead process may have left half changed.
//!
//! Run:       cargo run --bin killed_holder
//!            cargo run --bin killed_holder -- --repaired
//! Observe:   the report says which process had the permit, where it acquired the permit, and that the process has ended. In
//!            the repaired program the parent gets the lock, is told, and finds the balances [70, 100]: 30 is missing.
//! Exercise:  let the parent call `terminate` in place of `kill`. Is the permit released now? Then delete this call, and
//!            let `with_permit` end with `Ok(())`. What releases the permit now, and why not before?

use std::process::ExitCode;
use std::thread;

use anyhow::{Context, ensure};
use ch3_processes::{Lock, Semaphore, Sender, children, pipe, spawn};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// The lock is robust
    #[arg(long)]
    repaired: bool,
}

fn main() -> ExitCode {
    children![with_permit, with_lock];
    lesson::hazard!(|args: Args, _lesson| {
        let permit = Semaphore::new(1)?;
        let accounts = Lock::new([100, 100])?;
        let (holds, mut holder_holds) = pipe().context("a pipe")?;
        // The hazard: a semaphore with one permit. The repair: a lock whose holder the system knows.
        let mut holder = match args.repaired {
            false => spawn("holder", with_permit, (permit.clone(), holds))?,
            true => spawn("holder", with_lock, (accounts.clone(), holds))?,
        };
        let message = lanes::read_from("the holder's message", &mut holder_holds, |it| it.recv())?;
        message.context("the holder ended before it had the lock")?;
        holder.kill()?;
        let status = lanes::end_of("holder", holder.id(), || holder.wait())?;

        if !args.repaired {
            let _permit = lanes::permit("the permit", &permit, Semaphore::acquire);
            return Ok(());
        }
        let Err(abandoned) = lanes::wait("the lock", || accounts.lock()) else { anyhow::bail!("nothing was told") };
        println!("the holder ended by {status}; the parent has the lock, and is told: {abandoned}");
        let mut accounts = abandoned.into_guard();
        let found = *accounts;
        accounts[1] += 200 - accounts.iter().sum::<i64>();
        println!("it finds the balances {found:?}, and completes the transfer: {:?}", *accounts);
        ensure!(*accounts == [70, 130], "the balances are {:?}", *accounts);
        Ok(())
    })
}

/// The holder of the permit: it tells the parent, and waits to be killed.
fn with_permit(permit: Semaphore, mut holds: Sender<()>) -> anyhow::Result<()> {
    let _permit = lanes::permit("the permit", &permit, Semaphore::acquire);
    holds.send(&())?;
    wait_to_be_killed()
}

/// The same with the robust lock. The holder has taken 30 from the first account, and has not added them to the second one.
fn with_lock(accounts: Lock<[i64; 2]>, mut holds: Sender<()>) -> anyhow::Result<()> {
    let mut accounts = lanes::wait("the lock", || accounts.lock()).unwrap_or_else(|it| it.into_guard());
    accounts[0] -= 30;
    holds.send(&())?;
    wait_to_be_killed()
}

fn wait_to_be_killed() -> ! {
    lanes::wait("SIGKILL", || {
        loop {
            thread::park();
        }
    })
}

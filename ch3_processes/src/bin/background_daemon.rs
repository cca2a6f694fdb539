//! A daemon process and one that is none: the parent waits for the second only, and the daemon ends with the parent's interest.
//!
//! A daemon serves others and never ends by itself. When the parent lets go of it, it is killed at once, in the middle of
//! whatever it does: so it must have nothing to lose. Any other process is waited for, as in `background`.
//!
//! Run:       cargo run --bin background_daemon -- --items 5 --timeline
//! Observe:   foreground says that it exits; background does not, though it has said its numbers.
//! Python:    a daemon ends with its parent only if that exits in order. If the parent is killed, the daemon stays, for ever
//!            perhaps. Here no child outlives its parent, daemon or not, however that ends.
//! Exercise:  make it no daemon. Who waits for whom then? What must the parent drop first, so that both can end?

use std::path::Path;
use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ch3_processes::{Process, Receiver, children, pipe, process};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// How many numbers each process says
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

fn main() -> ExitCode {
    children![serve, foo];
    lesson::run!(|args: Args, lesson| {
        println!("the parent is process {}", id());
        let (items, pause) = (args.items, lesson.pause(1.0));
        let (orders_in, orders_out) = pipe::<u32>().context("a pipe")?;
        let mut background = Process::new().name("background").daemon(true).spawn(serve, (items, pause, orders_out))?;
        let foreground = Process::new().name("foreground").daemon(false).spawn(foo, (items, items, pause))?;

        let next = lanes::wait("foreground", || foreground.join())?;
        ensure!(next == 2 * items, "it stopped before {next}");
        if !background.is_alive() {
            // It fails if nobody reads what it says.
            background.join()?;
            bail!("the daemon has ended by itself");
        }
        let folder = format!("/proc/{}", background.id());
        drop(background);
        ensure!(!Path::new(&folder).exists(), "the daemon lives on");
        println!("the daemon has been killed");
        drop(orders_in); // Not before, or the daemon would end by itself.
        Ok(())
    })
}

/// Says its numbers, then carries out orders, of which none comes.
fn serve(items: u32, pause: Duration, mut orders: Receiver<u32>) -> anyhow::Result<()> {
    say_numbers(0, items, pause);
    while let Some(order) = lanes::wait("orders", || orders.recv())? {
        println!("background carries out {order}");
    }
    println!("background is exiting");
    Ok(())
}

/// Says so many numbers, and returns the one that would come next.
fn foo(first: u32, items: u32, pause: Duration) -> anyhow::Result<u32> {
    say_numbers(first, items, pause);
    println!("foreground is exiting");
    Ok(first + items)
}

fn say_numbers(first: u32, items: u32, pause: Duration) {
    let name = process::name();
    println!("{name} is starting");
    for number in first..first + items {
        println!("{name} ---> {number}");
        lanes::sleep("sleeps", pause);
    }
}

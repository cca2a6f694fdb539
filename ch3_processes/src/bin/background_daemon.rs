//! The parent waits for a process that is no daemon, and then drops a daemon, which is killed.
//!
//! A daemon serves other processes and does not end by itself. When the parent drops its `Child`, the daemon is killed
//! at once, whatever it is doing, so it must not hold data that would be lost. A process that is no daemon finishes its
//! work, as in `background`. In this library no child outlives its parent, daemon or not, however the parent ends. In
//! Python a daemon is ended only if its parent exits normally; if the parent is killed, the daemon continues.
//!
//! Run:       cargo run --bin background_daemon -- --items 5 --timeline
//! Observe:   `foreground` prints that it exits, `background` does not; the chart says that `background` was killed.
//! Exercise:  start `background` with `daemon(false)`, so that it is no daemon. Which process waits for which? End the
//!            program with Ctrl-C. Which line must move before `drop(background)`, so that both processes end by
//!            themselves?

use std::path::Path;
use std::process::{ExitCode, id};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ch3_processes::{Process, Receiver, children, pipe, process};
use course::{lanes, lesson};

#[derive(clap::Parser)]
struct Args {
    /// How many numbers each process prints
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    items: u32,
}

fn main() -> ExitCode {
    children![serve, foo];
    lesson::run!(|args: Args, lesson| {
        println!("the parent is process {}", id());
        let (items, work) = (args.items, lesson.pause(1.0));
        let (orders_in, orders_out) = pipe::<u32>().context("a pipe")?;
        let mut background = Process::new().name("background").daemon(true).spawn(serve, (items, work, orders_out))?;
        let foreground = Process::new().name("foreground").daemon(false).spawn(foo, (items, items, work))?;

        let next = foreground.join()?;
        ensure!(next == 2 * items, "foreground stopped before the number {next}");
        if !background.is_alive() {
            // The join says why: the daemon fails if its output cannot be written.
            background.join()?;
            bail!("the daemon has ended by itself");
        }
        let folder = format!("/proc/{}", background.id());
        drop(background);
        ensure!(!Path::new(&folder).exists(), "the daemon is still alive");
        println!("the daemon has been killed");
        // Not dropped before: the daemon would read the end of the stream and end by itself.
        drop(orders_in);
        Ok(())
    })
}

/// Prints its numbers, then waits for orders. The parent sends none.
fn serve(items: u32, work: Duration, mut orders: Receiver<u32>) -> anyhow::Result<()> {
    print_numbers(0, items, work);
    while let Some(order) = lanes::wait("orders", || orders.recv())? {
        println!("background carries out order {order}");
    }
    println!("background is exiting");
    Ok(())
}

/// Prints its numbers, and returns the number that would come next.
fn foo(first: u32, items: u32, work: Duration) -> anyhow::Result<u32> {
    print_numbers(first, items, work);
    println!("foreground is exiting");
    Ok(first + items)
}

fn print_numbers(first: u32, items: u32, work: Duration) {
    let name = process::name();
    println!("{name} is starting");
    for number in first..first + items {
        println!("{name} ---> {number}");
        lanes::sleep("work", work);
    }
}

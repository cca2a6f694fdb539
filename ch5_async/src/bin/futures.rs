//! Two tasks compute 1 + 2 + ... + n and n!. Each completes a future, and a callback runs with the result.
//!
//! A future is a value that may not be ready yet; `.await` waits until it is ready. A oneshot channel carries one
//! value. Its receiver is a future: it is ready once the value is sent. Its sender completes the future, and only once,
//! because `send` consumes the sender. A callback is a function that runs with the result; here a task awaits the
//! future and then calls the callback with its result. If the sender is dropped without a value, the future is ready
//! with an error, so its callback does not wait for ever.
//!
//! Run:       cargo run --bin futures -- --timeline
//! Observe:   two callbacks wait at the same time, and each runs when its future is completed. The third callback gets
//!            an error at once, because its task drops the sender. `--n 1000` prints all 2568 digits of 1000!.
//! Python:    the original adds 1 in each round, not the number, so its sum is n.
//! Exercise:  in `sum`, copy the line `let _ = sender.send(sum);`, so that it stands there twice. What does the
//!            compiler say? In Python, a second `set_result` is an `InvalidStateError` while the program runs.

use std::{fmt::Display, process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use course::{lanes, lesson};
use num_bigint::BigUint;
use tokio::sync::oneshot::{Receiver, Sender, channel, error::RecvError};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;

#[derive(clap::Parser)]
struct Args {
    /// The numbers from 1 to N are added and multiplied
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=5000))]
    n: u32,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (n, pause) = (args.n, lesson.pause(4.0));
        println!("n = {n}");
        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (sum, product, nothing) = event_loop.block_on(async {
            let (sender, future) = channel();
            tokio::spawn(lanes::task("sum", sum(n, pause, sender)));
            let sum = add_callback("sum", future, got_result);

            let (sender, future) = channel();
            tokio::spawn(lanes::task("factorial", factorial(n, pause, sender)));
            let product = add_callback("factorial", future, got_result);

            let (sender, future) = channel::<u64>();
            tokio::spawn(lanes::task("no value", async { drop(sender) }));
            let nothing = add_callback("no value", future, got_result);

            lanes::wait_for("the callbacks", async { tokio::try_join!(sum, product, nothing) }).await
        })?;
        let (sum, mut product) = (sum.context("sum")?, product.context("factorial")?);
        ensure!(sum == u64::from(n) * u64::from(n + 1) / 2, "wrong sum: {sum}");
        for factor in 1..=n {
            ensure!(&product % factor == BigUint::ZERO, "wrong factorial: {factor} does not divide it");
            product /= factor;
        }
        ensure!(product == BigUint::from(1_u32), "wrong factorial: it has another factor, {product}");
        ensure!(nothing.is_err(), "a future is ready with a value that was never sent");
        Ok(())
    })
}

/// Spawns a task that awaits `future` and then calls `callback` with its result.
fn add_callback<T: Send + 'static>(
    name: &'static str,
    future: Receiver<T>,
    callback: impl FnOnce(&str, &Result<T, RecvError>) + Send + 'static,
) -> JoinHandle<Result<T, RecvError>> {
    tokio::spawn(lanes::task(format!("{name}: callback"), async move {
        let result = lanes::wait_for("the future", future).await;
        callback(name, &result);
        result
    }))
}

fn got_result(name: &str, result: &Result<impl Display, RecvError>) {
    match result {
        Ok(value) => println!("{name}: {value}"),
        Err(error) => println!("{name}: error: {error}"),
    }
}

async fn sum(n: u32, pause: Duration, sender: Sender<u64>) {
    let sum = (1..=u64::from(n)).sum();
    lanes::sleeping("pause", sleep(pause)).await;
    // `send` fails only if the receiver was dropped.
    let _ = sender.send(sum);
}

async fn factorial(n: u32, pause: Duration, sender: Sender<BigUint>) {
    let mut product = BigUint::from(1_u32);
    for factor in 2..=n {
        product *= factor;
        if factor.is_multiple_of(100) {
            yield_now().await; // A long computation without an `.await` would block the loop.
        }
    }
    lanes::sleeping("pause", sleep(pause)).await;
    let _ = sender.send(product);
}

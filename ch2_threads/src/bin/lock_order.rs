//! Two threads lock two accounts in opposite orders. Each holds what the other one needs, so both wait for ever.
//!
//! A deadlock needs a cycle: a thread holds a lock and waits for a second one, whose holder waits for the first. If all
//! threads acquire their locks in one order, there is no cycle: the thread that holds the last lock of the order waits
//! for none. Here the accounts have numbers, and the repaired transfer locks the account with the smaller number first,
//! whatever the direction of the money.
//!
//! Run:       cargo run --bin lock_order
//!            cargo run --bin lock_order -- --repaired
//! Observe:   the report names the cycle: which thread waits for which account, which thread holds it, the line of the
//!            wait, and the line in which the lock was acquired. With `--timeline` both threads wait until the end. The
//!            repaired program ends with the balances 110 and 90.
//! Exercise:  remove the call of `holds_one` and run the program many times. Does it still hang? Then run `cargo run --bin
//!            schedules -- lock_order`, which tries many orders of the steps.

use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use anyhow::ensure;
use course::{lanes, lesson};
use parking_lot::Mutex;

#[derive(clap::Parser)]
struct Args {
    /// All threads lock the accounts in one order
    #[arg(long)]
    repaired: bool,
}

/// An account.
pub struct Account {
    number: u32,
    name: &'static str,
    /// The money on it.
    pub balance: Mutex<i64>,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let [checking, savings] = accounts();
        // The other thread holds its first lock too when a thread goes on from here: the deadlock is certain.
        let each_holds_one = Barrier::new(2);
        let holds_one = || _ = lanes::meet("each holds one", &each_holds_one, 2, Barrier::wait);
        thread::scope(|scope| {
            let transfers = [("Huey", &savings, &checking, 30), ("Dewey", &checking, &savings, 20)];
            let threads = transfers.map(|(name, from, to, amount)| {
                scope.spawn(move || {
                    let _lane = lanes::lane(name);
                    transfer(from, to, amount, args.repaired, holds_one);
                })
            });
            lanes::join_all(threads);
        });
        let balances = [checking, savings].map(|account| account.balance.into_inner());
        println!("the balances are {balances:?}");
        ensure!(balances == [110, 90], "the balances are {balances:?}");
        Ok(())
    })
}

/// Two accounts with a balance of 100 each.
pub fn accounts() -> [Account; 2] {
    let account = |number, name| Account { number, name, balance: Mutex::new(100) };
    [account(0, "checking"), account(1, "savings")]
}

/// Moves money. Without the repair, `holds_one` is called while this thread holds one lock and needs the other.
pub fn transfer(from: &Account, to: &Account, amount: i64, repaired: bool, holds_one: impl Fn()) {
    // The hazard: the direction of the transfer decides the order of the locks. The repair: the numbers decide it.
    let is_swapped = repaired && to.number < from.number;
    let (first, second) = if is_swapped { (to, from) } else { (from, to) };

    let mut first_balance = lanes::lock(first.name, &first.balance, Mutex::lock);
    if !repaired {
        holds_one();
    }
    let mut second_balance = lanes::lock(second.name, &second.balance, Mutex::lock);
    let (of_first, of_second) = if is_swapped { (amount, -amount) } else { (-amount, amount) };
    *first_balance += of_first;
    *second_balance += of_second;
}

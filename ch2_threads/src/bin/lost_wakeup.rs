//! A thread notifies before the other thread waits. A condition variable remembers nothing, so the other thread waits for ever.
//!
//! A notification wakes only the threads that wait at this moment. If a thread decides to wait without a look at the data,
//! the notification may have come before. The repair is a *predicate*: a flag that the lock guards. The notifying thread
//! sets it under the lock, and the waiting thread looks at it under the lock before it waits. The wait gives the lock up
//! and begins to sleep in one step, so no notification comes in between.
//!
//! Run:       cargo run --bin lost_wakeup
//!            cargo run --bin lost_wakeup -- --repaired
//! Observe:   the report says that no lane that could notify the eater can go on: `baker` has ended, so it is not in the
//!            list. The repaired program does not even wait, because the bread is there already.
//! Exercise:  spawn the eater before the baker is joined, and run the program many times. How often does it hang now? Then
//!            run `cargo run --bin schedules -- lost_wakeup`, which tries many orders of the steps.

use std::process::ExitCode;
use std::thread;

use course::{lanes, lesson};
use parking_lot::{Condvar, Mutex};

#[derive(clap::Parser)]
struct Args {
    /// The thread looks at the data before it waits
    #[arg(long)]
    repaired: bool,
}

/// A loaf of bread, once it is baked.
#[derive(Default)]
pub struct Bread {
    is_baked: Mutex<bool>,
    baked: Condvar,
}

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let bread = Bread::default();
        thread::scope(|scope| {
            let baker = scope.spawn(|| {
                let _lane = lanes::lane("baker");
                bread.bake();
            });
            // The baker has notified when the eater begins: the notification is lost for certain.
            lanes::join(baker);
            let eater = scope.spawn(|| {
                let _lane = lanes::lane("eater");
                bread.wait(args.repaired);
            });
            lanes::join(eater);
        });
        println!("the bread was eaten");
        Ok(())
    })
}

impl Bread {
    /// Bakes it, and notifies a thread that waits for it.
    pub fn bake(&self) {
        *lanes::lock("bread", &self.is_baked, Mutex::lock) = true;
        self.baked.notify_one();
    }

    /// Waits until it is baked.
    pub fn wait(&self, repaired: bool) {
        let mut is_baked = lanes::lock("bread", &self.is_baked, Mutex::lock);
        // The hazard: the thread waits without a look at the data. The repair: it looks first, and after each wake-up.
        while !repaired || !*is_baked {
            lanes::notified("the baker", &mut is_baked, |guard| self.baked.wait(guard));
            if !repaired {
                break;
            }
        }
    }
}

//! Tests under the model checker shuttle. Shuttle decides at each step which thread continues, so a test explores thousands
//! of schedules.
//!
//! The locks of such a test are those of [`model`](crate::model).

use std::any::type_name;
use std::process::{Command, exit};
use std::time::Duration;

use crate::model::{Order, Outcome, search};
use crate::program;

/// The number of schedules that a test explores.
pub const SCHEDULES: u64 = 10_000;

/// Runs `story` under [`SCHEDULES`] random schedules, other ones in each run of the test.
///
/// # Panics
/// There is a panic or a deadlock under one of them.
pub fn explore(story: impl Fn() + Send + Sync + 'static) {
    let seed = rand::random();
    let outcome = search(Order::Random { schedules: SCHEDULES, seed }, move || {
        story();
        Ok(())
    });
    if let Outcome::Failed(found) = outcome {
        panic!("under schedule {} of seed {seed}: {}", found.schedules, found.failure);
    }
}

/// Set in the process that runs a story that must fail.
const MUST_FAIL: &str = "SCHEDULES_MUST_FAIL";

/// What the test prints when `story` fails under some schedule. `story` is a closure in the body of the test.
///
/// The test runs once more in a process of its own, because shuttle prints to the stderr of its process. So a test that
/// passes prints nothing about the failure that it expects.
///
/// # Panics
/// `story` does not fail under any schedule.
pub fn failure<S: Fn() + Send + Sync + 'static>(story: S) -> String {
    if std::env::var_os(MUST_FAIL).is_some() {
        explore(story);
        // Not a return: what the test asserts next could fail too, and would look like the failure of the story.
        exit(0);
    }
    // The type of the closure is named after the test: `schedules::the_test::{{closure}}`.
    let test =
        type_name::<S>().split("::").skip(1).take_while(|part| !part.starts_with('{')).collect::<Vec<_>>().join("::");
    let mut again = Command::new(std::env::current_exe().expect("the path of this test program"));
    again.args([test.as_str(), "--exact", "--nocapture"]).env(MUST_FAIL, "1");
    let finished = program::run(&mut again, Duration::from_secs(60)).expect("the test program starts again");
    assert_eq!(finished.code(), Some(101), "shuttle has not found the mistake of {test}: {finished:?}");
    finished.stderr
}

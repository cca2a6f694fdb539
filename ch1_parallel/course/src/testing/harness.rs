//! Tests in a program whose `main` is its own, since its child processes run it again.

use std::process::{ExitCode, exit};
use std::thread;

use libtest_mimic::Arguments;
pub use libtest_mimic::Trial;

pub use crate::trials;

use super::group::LIMIT;

/// Functions as tests.
#[macro_export]
macro_rules! trials {
    ($($test:ident)*) => {
        vec![$($crate::testing::harness::Trial::test(stringify!($test), || { $test(); Ok(()) })),*]
    };
}

/// Runs them as the command line says. One that hangs is a failure.
pub fn run_trials(tests: Vec<Trial>) -> ExitCode {
    thread::spawn(|| {
        thread::sleep(4 * LIMIT);
        eprintln!("error: the tests took longer than {:?}", 4 * LIMIT);
        exit(1);
    });
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
